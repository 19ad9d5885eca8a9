//! Distribution points (RFC 5280, 4.2.1.13 and 5.2.5): where the list for a certificate lies, and for which
//! certificates a list speaks. Read element by element, so that what is odd is refused and not taken for absent.
//! Whether a list and a certificate fit each other is judged elsewhere.

use super::ber::{Element, Malformed, Reader, SEQUENCE, context};

/// `[1]` to `[5]` of elements that hold no elements.
const PRIMITIVE: [u8; 5] = [0x81, 0x82, 0x83, 0x84, 0x85];
/// `[6]` of a general name: an address.
const ADDRESS: u8 = 0x86;

/// For which certificates a list speaks (IssuingDistributionPoint).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issuing {
    /// The names of its distribution point; none, where it has none of its own.
    pub names: Vec<PointName>,
    /// To which kinds it is limited.
    pub only: Vec<Kind>,
    /// Whether it names only what was revoked for some of the reasons.
    pub is_for_some_reasons: bool,
}

/// A kind of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those that may not issue others.
    Users,
    /// Those that may.
    Issuers,
    /// Attribute certificates (RFC 5755).
    Attributes,
}

/// One name of a distribution point, as encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointName(Vec<u8>);

impl PointName {
    /// The address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        let element = Reader::new(&self.0).next().ok().filter(|element| element.tag == ADDRESS)?;
        std::str::from_utf8(element.content).ok()
    }
}

impl Issuing {
    /// Reads the value of the extension.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &[u8]) -> Result<Self, String> {
        issuing(value).map_err(|malformed| malformed.to_string())
    }
}

/// The names of the distribution points in a certificate, those left out that serve only some of the reasons; the
/// value is that of its extension.
///
/// # Errors
/// What is wrong with it.
pub fn names_in(value: &[u8]) -> Result<Vec<PointName>, String> {
    points(value).map_err(|malformed| malformed.to_string())
}

fn issuing(value: &[u8]) -> Result<Issuing, Malformed> {
    let mut parts = Reader::new(value).expect(SEQUENCE, "an issuing distribution point")?.inside();
    let [users, issuers, some_reasons, indirect, attributes] = PRIMITIVE;
    let mut read = Issuing { names: names(parts.optional(context(0))?)?, ..Issuing::default() };
    read.only.extend(is_set(parts.optional(users)?)?.then_some(Kind::Users));
    read.only.extend(is_set(parts.optional(issuers)?)?.then_some(Kind::Issuers));
    read.is_for_some_reasons = parts.optional(some_reasons)?.is_some();
    is_set(parts.optional(indirect)?)?;
    read.only.extend(is_set(parts.optional(attributes)?)?.then_some(Kind::Attributes));
    match parts.is_empty() {
        true => Ok(read),
        false => Err(Malformed::Odd("something behind it")),
    }
}

fn is_set(element: Option<Element<'_>>) -> Result<bool, Malformed> {
    match element.map(|element| element.content) {
        None | Some([0]) => Ok(false),
        Some([_]) => Ok(true),
        Some(_) => Err(Malformed::Odd("a boolean of another length")),
    }
}

fn points(value: &[u8]) -> Result<Vec<PointName>, Malformed> {
    let mut each = Reader::new(value).expect(SEQUENCE, "distribution points")?.inside();
    let mut all = Vec::new();
    while !each.is_empty() {
        let mut parts = each.expect(SEQUENCE, "a distribution point")?.inside();
        let names = names(parts.optional(context(0))?)?;
        if parts.optional(PRIMITIVE[0])?.is_none() {
            all.extend(names);
        }
    }
    Ok(all)
}

/// `fullName [0]`, or `nameRelativeToCRLIssuer [1]`.
fn names(point: Option<Element<'_>>) -> Result<Vec<PointName>, Malformed> {
    let Some(point) = point else { return Ok(Vec::new()) };
    let choice = point.inside().next()?;
    if choice.tag == context(1) {
        return Ok(vec![PointName(choice.whole.to_vec())]);
    }
    if choice.tag != context(0) {
        return Err(Malformed::Missing { wanted: "the name of a distribution point" });
    }
    let (mut each, mut all) = (choice.inside(), Vec::new());
    while !each.is_empty() {
        all.push(PointName(each.next()?.whole.to_vec()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{super::ber::written, *};

    const TRUE: &[u8] = &[0xff];

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        written(tag, &[content])
    }

    fn named(addresses: &[&str]) -> Vec<u8> {
        let names = addresses.iter().map(|address| wrapped(ADDRESS, address.as_bytes())).collect::<Vec<_>>();
        wrapped(context(0), &wrapped(context(0), &names.concat()))
    }

    #[test]
    fn the_scope_of_a_list_is_read() {
        let read = |parts: &[Vec<u8>]| Issuing::read(&wrapped(SEQUENCE, &parts.concat()));
        let only = |kind| Issuing { only: vec![kind], ..Issuing::default() };
        let [users, issuers, some_reasons, indirect, attributes] = PRIMITIVE;
        for (parts, expected) in [
            (vec![], Issuing::default()),
            (vec![wrapped(users, TRUE)], only(Kind::Users)),
            (vec![wrapped(issuers, TRUE)], only(Kind::Issuers)),
            (vec![wrapped(issuers, &[0])], Issuing::default()),
            (vec![wrapped(attributes, TRUE)], only(Kind::Attributes)),
            (vec![wrapped(indirect, TRUE)], Issuing::default()),
            (
                vec![wrapped(some_reasons, &[6, 0x40])],
                Issuing { is_for_some_reasons: true, ..Issuing::default() },
            ),
        ] {
            assert_eq!(read(&parts), Ok(expected), "{parts:02x?}");
        }
        let both = read(&[named(&["http://a/1.crl", "ldap:///2"]), wrapped(users, TRUE)]).unwrap();
        let addresses: Vec<_> = both.names.iter().map(|name| name.address().unwrap()).collect();
        assert_eq!((addresses, both.only), (vec!["http://a/1.crl", "ldap:///2"], vec![Kind::Users]));
        for odd in [
            vec![wrapped(attributes, TRUE), wrapped(users, TRUE)],
            vec![wrapped(users, &[])],
            vec![wrapped(context(0), &[])],
            vec![wrapped(context(0), &wrapped(SEQUENCE, &[]))],
            vec![vec![0x86, 5]],
        ] {
            assert!(read(&odd).is_err(), "{odd:02x?}");
        }
        assert!(Issuing::read(b"").is_err());
    }

    #[test]
    fn the_points_of_a_certificate_are_read_but_those_for_some_reasons() {
        let point = |parts: &[Vec<u8>]| wrapped(SEQUENCE, &parts.concat());
        let points = [
            point(&[named(&["http://a/1.crl"])]),
            point(&[named(&["http://a/2.crl"]), wrapped(PRIMITIVE[0], &[6, 0x40])]),
            point(&[wrapped(context(2), &wrapped(0xa4, &[]))]),
        ];
        let names = names_in(&wrapped(SEQUENCE, &points.concat())).unwrap();
        assert_eq!(names.iter().map(PointName::address).collect::<Vec<_>>(), [Some("http://a/1.crl")]);
        assert!(names_in(&wrapped(SEQUENCE, &[0x30, 9])).is_err());
    }
}
