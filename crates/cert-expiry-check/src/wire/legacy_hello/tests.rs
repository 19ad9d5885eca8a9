//! The hello as it leaves, and answers whole, cut, fragmented and hostile.

use proptest::prelude::*;

use super::{
    super::{
        cipher_suite::{CipherSuite, OFFERED},
        observation::Protocol,
    },
    flight::{ALERT, message, record},
    hello::put,
    *,
};

fn message_of(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    put(&mut bytes, 3, content);
    bytes
}

fn record_of(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 1];
    put(&mut bytes, 2, content);
    bytes
}

fn hello_of(version: [u8; 2], suite: u16) -> Vec<u8> {
    let mut content = version.to_vec();
    content.extend([7; 32]);
    content.push(4);
    content.extend([9; 4]);
    content.extend(suite.to_be_bytes());
    content.push(0);
    message_of(2, &content)
}

fn certificates_of(chain: &[&[u8]]) -> Vec<u8> {
    let mut list = Vec::new();
    for certificate in chain {
        put(&mut list, 3, certificate);
    }
    let mut content = Vec::new();
    put(&mut content, 3, &list);
    message_of(11, &content)
}

fn answer() -> Vec<u8> {
    [
        hello_of([3, 2], 0x002f),
        certificates_of(&[b"leaf", &[5; 20_000]]),
        message_of(13, &[1, 1]),
        message_of(14, b""),
    ]
    .concat()
}

fn expected() -> Presented {
    Presented {
        protocol: Protocol::Tls11,
        suite: CipherSuite(0x002f),
        chain: vec![b"leaf".to_vec().into(), vec![5; 20_000].into()],
    }
}

#[test]
fn the_hello_says_what_it_means() {
    let hello = client_hello(Some("shop.example"), &[1; 32]);
    assert_eq!(&hello[..3], &[22, 3, 1]);
    let (kind, content, taken) = record(&hello).unwrap();
    assert_eq!((kind, taken), (HANDSHAKE, hello.len()));
    let (kind, body, taken) = message(content).unwrap();
    assert_eq!((kind, taken), (1, content.len()));
    assert_eq!(body[..2], [3, 3]);
    assert!(hello.windows(12).any(|bytes| bytes == b"shop.example"));
    assert!(!client_hello(None, &[1; 32]).windows(4).any(|bytes| bytes == [0, 0, 0, 17]));
}

#[test]
fn no_hello_has_the_length_at_which_load_balancers_hang() {
    for length in 1..=253 {
        let handshake = client_hello(Some(&"a".repeat(length)), &[1; 32]).len() - 5;
        assert!(!(256..512).contains(&handshake), "a name of {length}: {handshake} bytes");
    }
}

#[test]
fn rustls_takes_our_hello_for_one() {
    let mut acceptor = rustls::server::Acceptor::default();
    acceptor.read_tls(&mut &client_hello(Some("shop.example"), &[1; 32])[..]).unwrap();
    let accepted = acceptor.accept().unwrap().unwrap();
    assert_eq!(accepted.client_hello().server_name(), Some("shop.example"));
    assert_eq!(accepted.client_hello().cipher_suites().len(), OFFERED.len() + 1);
}

#[test]
fn messages_are_put_together_from_records_of_any_size() {
    for size in [1, 3, 100, 16_000] {
        let records: Vec<u8> = answer().chunks(size).flat_map(|part| record_of(HANDSHAKE, part)).collect();
        let mut flight = Flight::default();
        let last = records.chunks(1000).map(|bytes| flight.hear(bytes)).last();
        if records.len() < LONGEST_FLIGHT {
            assert_eq!(last, Some(Progress::Done), "records of {size}");
            assert_eq!(flight.presented(), Some(expected()));
        }
    }
}

#[test]
fn what_came_before_the_end_is_kept() {
    let mut flight = Flight::default();
    let cut = [hello_of([3, 1], 0x000a), certificates_of(&[b"leaf"])].concat();
    assert_eq!(flight.hear(&record_of(HANDSHAKE, &cut)), Progress::More);
    let presented = flight.presented().unwrap();
    assert_eq!((presented.protocol, presented.chain.len()), (Protocol::Tls10, 1));
    let mut flight = Flight::default();
    assert_eq!(flight.hear(&record_of(HANDSHAKE, &hello_of([3, 1], 0x000a))), Progress::More);
    assert_eq!(flight.presented(), None);
}

#[test]
fn alerts_refuse_and_warnings_do_not() {
    let warning = record_of(ALERT, &[1, 112]);
    let mut flight = Flight::default();
    assert_eq!(flight.hear(&[warning, record_of(HANDSHAKE, &answer()[..80])].concat()), Progress::More);
    assert_eq!(flight.hear(&record_of(ALERT, &[2, 40])), Progress::Refused(40));
}

#[test]
fn nonsense_is_told_from_tls() {
    for (bytes, why) in [
        (record_of(23, b"data"), "a record of another kind"),
        (b"HTTP/1.1 400 Bad Request".to_vec(), "a record of another kind"),
        (record_of(HANDSHAKE, &message_of(11, &[0, 0, 0])), "a message that does not belong here"),
        (record_of(HANDSHAKE, &message_of(2, &[3, 4])), "a broken ServerHello"),
        (
            record_of(HANDSHAKE, &[hello_of([3, 1], 1), message_of(11, &[0, 0, 9])].concat()),
            "a broken Certificate message",
        ),
    ] {
        let mut flight = Flight::default();
        let mut progress = flight.hear(&bytes);
        if progress == Progress::More {
            progress = flight.hear(&vec![0; LONGEST_FLIGHT]);
        }
        match why {
            "a record of another kind" => assert!(matches!(progress, Progress::Unreadable(_))),
            why => assert_eq!(progress, Progress::Unreadable(why)),
        }
    }
    let mut flight = Flight::default();
    let endless = record_of(HANDSHAKE, &[0; 16_384]);
    let progress = (0..10).map(|_| flight.hear(&endless)).find(|progress| *progress != Progress::More);
    assert_eq!(progress, Some(Progress::Unreadable("it is too long")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut flight = Flight::default();
        let _ = flight.hear(&bytes);
        let _ = flight.presented();
    }

    #[test]
    fn an_answer_with_a_byte_turned_is_read_or_refused(at in 0_usize..20_100, value: u8) {
        let mut bytes = record_of(HANDSHAKE, &answer()[..16_000]);
        bytes.extend(record_of(HANDSHAKE, &answer()[16_000..]));
        let at = at % bytes.len();
        bytes[at] = value;
        let mut flight = Flight::default();
        let _ = flight.hear(&bytes);
        let _ = flight.presented();
    }
}
