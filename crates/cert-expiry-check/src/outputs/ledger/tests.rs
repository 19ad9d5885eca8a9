//! Whether what went through the file is what was seen, in the same order and in the same places, and what becomes of
//! a run whose file takes no more.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    assess::{Part, lifetime::Standing},
    certificate::Certificate,
};

fn template() -> Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    Certificate::read_only(made.cert.der()).unwrap()
}

/// A certificate by its number, and where it was seen.
type Row = (u8, Part, u16, String, Standing);

fn filled(limit: usize, places: Places, rows: &[Row]) -> Ledger {
    let template = template();
    let mut ledger = Ledger { limit, ..Ledger::keeping(Keeping::Everything, places) };
    for (number, part, group, place, standing) in rows {
        let certificate = Certificate {
            fingerprint: [*number; 32],
            serial: format!("{number:02x}"),
            is_issuer: *part == Part::Issuer,
            ..template.clone()
        };
        let (part, place, standing) = (*part, place.clone(), *standing);
        let sighting = Sighting { place, part, certificate: Arc::new(certificate), standing };
        ledger.take_in(*group, sighting);
    }
    ledger
}

/// All that is told of what was seen: fingerprint, serial number, standing, places, how many more.
type Told = (Fingerprint, String, Standing, Vec<(Part, u16, String)>, [usize; 2]);

fn told(fingerprint: &Fingerprint, packed: &Packed) -> Told {
    let mut places: Vec<_> =
        packed.places().map(|(part, group, place)| (part, group, place.to_owned())).collect();
    places.sort_by_key(|(part, group, place)| (*group, place.clone(), format!("{part:?}")));
    let uncounted = [Part::Issuer, Part::Spare].map(|part| packed.uncounted(part));
    (*fingerprint, packed.words(*fingerprint).serial, packed.standing, places, uncounted)
}

fn all(closed: &Closed) -> Vec<Told> {
    let mut all = Vec::new();
    closed.each(|position, fingerprint, packed| {
        all.push(told(fingerprint, packed));
        assert_eq!(closed.at(position, told).as_ref(), all.last());
    });
    assert!(closed.trouble().is_none());
    assert_eq!(closed.count(), all.len());
    all
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let part = prop_oneof![Just(Part::Server), Just(Part::Issuer), Just(Part::Spare), Just(Part::File)];
    let standing = prop_oneof![Just(Standing::Good), Just(Standing::Warning), Just(Standing::Expired)];
    let row = (0_u8..12, part, 0_u16..2, "[a-z]{1,6}:443", standing);
    proptest::collection::vec(row, 0..120)
}

proptest! {
    #[test]
    fn the_file_changes_nothing(rows in rows(), few: bool) {
        let places = if few { Places::FewOfIssuers } else { Places::All };
        let (in_memory, no_trouble) = filled(usize::MAX, places, &rows).close().unwrap();
        prop_assert!(matches!(in_memory.all, Where::InMemory(_)) && no_trouble.is_none());
        for limit in [0, 1_500] {
            let (in_file, no_trouble) = filled(limit, places, &rows).close().unwrap();
            prop_assert!(no_trouble.is_none());
            prop_assert!(rows.len() < 20 || matches!(in_file.all, Where::InFile(..)));
            prop_assert_eq!(all(&in_file), all(&in_memory));
        }
    }
}

#[test]
fn of_an_issuer_the_first_places_are_named_and_the_others_counted() {
    let rows = |part| (0..100).rev().map(move |n| (1, part, 0, format!("{n:03}:443"), Standing::Good));
    let of =
        |part| all(&filled(1_000, Places::FewOfIssuers, &rows(part).collect::<Vec<_>>()).close().unwrap().0);
    for (part, uncounted) in [(Part::Issuer, [92, 0]), (Part::Spare, [0, 92])] {
        let (.., places, more) = of(part).remove(0);
        let named: Vec<_> = places.into_iter().map(|(_, _, place)| place).collect();
        assert_eq!(named, (0..8).map(|n| format!("{n:03}:443")).collect::<Vec<_>>());
        assert_eq!(more, uncounted);
    }
    assert_eq!(of(Part::Server).remove(0).3.len(), 100, "every server that is to be reloaded is named");
}

#[test]
fn a_file_that_takes_no_more_leaves_everything_in_memory() {
    let rows: Vec<_> = (0..40).map(|n| (n, Part::Server, 0, format!("{n}:443"), Standing::Good)).collect();
    let expected = all(&filled(usize::MAX, Places::All, &rows).close().unwrap().0);
    for fits in [0, 1, 5] {
        let (early, late) = rows.split_at(fits);
        let mut ledger = filled(0, Places::All, early);
        ledger.spool.get_or_insert_with(|| Spool::create().unwrap()).takes_no_more();
        for (fingerprint, packed) in filled(usize::MAX, Places::All, late).recent {
            let certificate = Arc::new(packed.whole(fingerprint));
            let place = format!("{}:443", fingerprint[0]);
            let sighting = Sighting { place, part: Part::Server, certificate, standing: Standing::Good };
            ledger.take_in(0, sighting);
        }
        let (closed, trouble) = ledger.close().unwrap();
        assert!(trouble.is_some(), "{fits}");
        assert_eq!(all(&closed), expected, "{fits}");
    }
}

#[test]
fn fifty_thousand_certificates_take_no_more_memory_than_ten_thousand() {
    let (leaf, issuer) = (template(), Arc::new(Certificate { fingerprint: [0xff; 32], ..template() }));
    let mut ledger = Ledger::keeping(Keeping::WhatItSays, Places::FewOfIssuers);
    for number in 0..50_000_u32 {
        let mut fingerprint = Fingerprint::default();
        fingerprint[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
        let own = Arc::new(Certificate { fingerprint, serial: format!("{number:08x}"), ..leaf.clone() });
        for (part, certificate) in [(Part::Server, own), (Part::Issuer, Arc::clone(&issuer))] {
            let place = format!("host-{number}.example:443");
            ledger.take_in(0, Sighting { place, part, certificate, standing: Standing::Good });
            let held: usize = ledger.bytes.max(ledger.recent.len() * FOR_AN_ENTRY);
            assert!(held < IN_MEMORY + 4096, "{number}: {held}");
        }
    }
    let (closed, trouble) = ledger.close().unwrap();
    assert!(trouble.is_none() && matches!(closed.all, Where::InFile(..)));
    assert_eq!(closed.count(), 50_001);
    let mut places = 0;
    closed.each(|_, fingerprint, packed| {
        if *fingerprint == issuer.fingerprint {
            places = packed.places().count() + packed.uncounted(Part::Issuer);
        }
    });
    assert_eq!(places, 50_000, "every server that presents the issuer is counted");
}
