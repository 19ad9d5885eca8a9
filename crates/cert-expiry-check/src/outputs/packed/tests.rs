//! Whether what is packed comes back as it was, and in how few bytes.

use std::{net::IpAddr, sync::LazyLock};

use proptest::prelude::*;

use super::*;
use crate::self_test::farm::{Authority, Lifetime};

static TEMPLATE: LazyLock<Certificate> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    Certificate::read_only(made.cert.der()).unwrap()
});

#[test]
fn one_that_is_read_comes_back_as_it_was() {
    let packed = Packed::new(&TEMPLATE, Keeping::Everything, Standing::Warning, &mut Alike::default());
    assert_eq!(packed.whole(TEMPLATE.fingerprint), *TEMPLATE);
    assert_eq!((packed.standing, packed.places().count()), (Standing::Warning, 0));
    assert_eq!(packed.not_after(), TEMPLATE.validity.not_after.as_second());
    assert_eq!(packed.name(), TEMPLATE.name.as_bytes());
    assert_eq!(packed.public_key_digest(), TEMPLATE.public_key_digest);
}

#[test]
fn what_two_say_alike_is_in_memory_once() {
    let mut alike = Alike::default();
    let mut other = TEMPLATE.clone();
    other.serial = "01".to_owned();
    let [one, other] =
        [&*TEMPLATE, &other].map(|one| Packed::new(one, Keeping::Everything, Standing::Good, &mut alike));
    assert!(Arc::ptr_eq(&one.said, &other.said));
}

#[test]
fn a_servers_certificate_with_its_place_takes_little_room() {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let lean = Certificate::read_only(&identity.chain[0]).unwrap();
    let mut packed = Packed::new(&lean, Keeping::WhatItSays, Standing::Good, &mut Alike::default());
    packed.add_place(Part::Server, 0, "shop.example:443", Places::All);
    assert_eq!(packed.bytes.capacity(), packed.bytes.len());
    assert!(size_of_val(&packed) + packed.bytes.len() <= 200, "{}", packed.bytes.len());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a.example".to_owned()), "\\PC{0,200}"]
}

proptest! {
    #[test]
    fn whatever_a_certificate_says_comes_back(
        name in text(),
        serial in prop_oneof!["[0-9a-f]{0,41}", "[0-9A-F+]{0,4}"],
        common_name in proptest::option::of(text()),
        dns_names in proptest::collection::vec(text(), 0..4),
        ip_addresses in proptest::collection::vec(any::<IpAddr>(), 0..4),
        other_names in proptest::collection::vec(text(), 0..4),
        before in proptest::collection::vec(any::<u8>(), 0..40),
        with_name: bool,
        begin in -10_000_000_000_i64..250_000_000_000,
        der in proptest::collection::vec(any::<u8>(), 0..400),
        places in proptest::collection::vec((0_usize..PARTS.len(), any::<u16>(), text()), 0..5),
    ) {
        let mut one = TEMPLATE.clone();
        one.subject_der = if with_name { [&before, name.as_bytes()].concat() } else { before };
        (one.name, one.serial, one.common_name) = (name, serial, common_name);
        (one.dns_names, one.ip_addresses, one.other_names) = (dns_names, ip_addresses, other_names);
        one.der = der.into();
        one.validity = Validity::from_unix(begin, begin + 7_776_000);
        let mut packed = Packed::new(&one, Keeping::Everything, Standing::Good, &mut Alike::default());
        for (part, group, place) in &places {
            packed.add_place(PARTS[*part], *group, place, Places::All);
        }
        prop_assert_eq!(packed.whole(one.fingerprint), one);
        let back: Vec<_> = packed.places().collect();
        let told: Vec<_> = places.iter().map(|(part, group, place)| (PARTS[*part], *group, place.as_str())).collect();
        prop_assert_eq!(back, told);
    }
}
