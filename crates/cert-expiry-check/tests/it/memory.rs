//! What is kept of each target that passed, where every one has a certificate of its own.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rustls::{ServerConfig, ServerConnection, crypto::aws_lc_rs};
use testbed::tls_farm::{Authority, Lifetime};

use crate::{
    limits::{peak, thousands},
    support::Bench,
};

/// Answers one client with a certificate that is made for the address that it came to.
fn answer(mut stream: TcpStream, authority: &Authority) -> Option<()> {
    let here = stream.local_addr().ok()?.ip().to_string();
    let identity = authority.issue(&[&here], Lifetime::days_left(90, 60)).ok()?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key())
        .ok()?;
    let mut tls = ServerConnection::new(Arc::new(config)).ok()?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).ok()?;
    }
    Some(())
}

#[test]
fn a_target_with_a_certificate_of_its_own_is_kept_in_few_bytes() {
    // Beyond so many, the findings that passed are only counted, and the allocator's pools are full.
    const FEW: u32 = 1_500;
    const MORE: u32 = 2_500;
    let bench = Bench::new();
    let authority = Arc::new(Authority::new().unwrap());
    let roots = bench.write("ca.pem", authority.root_pem());
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    for _ in 0..2 {
        let (listener, authority) = (listener.try_clone().unwrap(), Arc::clone(&authority));
        // They end with the process of this test.
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| {
                answer(stream, &authority);
            });
        });
    }
    let needed = |count| {
        let list = bench.write(&format!("{count}.txt"), thousands(port, count).join("\n"));
        let flags = ["--evidence", "none", "--connect-timeout", "60s", "--handshake-timeout", "60s"];
        let (code, peak) = peak(&bench, &[&["--targets", &list, "--roots", &roots], &flags[..]].concat());
        assert_eq!(code, Some(0), "{count} targets");
        peak
    };
    let (few, many) = (needed(FEW), needed(FEW + MORE));
    // Its line in the list, what its certificate says and where it was seen take half a kibibyte; the rest is room
    // for the allocator's ways.
    assert!(many < few + u64::from(MORE + MORE / 2), "{FEW} targets: {few} KiB, {MORE} more: {many} KiB");
}
