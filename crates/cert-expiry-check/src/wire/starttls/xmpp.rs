//! XMPP (RFC 6120, 5): a stream is opened to the name that is asked for, its features are read, and
//! `<starttls/>` is answered by `<proceed/>`. Of XML it reads tags, and nothing that XMPP forbids.

use super::{Dialogue, StartTrouble, Step, foreign, refused};
use crate::assess::name::Host;

const START: &[u8] = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The stream has not been answered.
    Stream,
    /// Within the stream, before its features.
    Features,
    /// Within the features, so many elements deep.
    WithinFeatures(u32),
    /// Within the reason why the stream is refused.
    Error,
    /// Within its words for people.
    ErrorText,
    StartTls,
    /// Within `<proceed>` that is closed by a tag of its own.
    Proceed,
}

/// The dialogue.
#[derive(Debug)]
pub(super) struct Xmpp {
    opening: Vec<u8>,
    stage: Stage,
    offered: bool,
    /// Why the stream is refused, as far as it was heard.
    reason: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Open,
    Close,
    Empty,
}

/// What stands at the front of the bytes.
#[derive(Debug, PartialEq, Eq)]
enum Markup<'b> {
    /// Its end has not come yet.
    Unfinished,
    /// XMPP forbids it (RFC 6120, 11.1): comments, document types, entities of one's own.
    Forbidden,
    /// Text, or `<?xml …?>`.
    Passed(usize),
    /// A tag, by its name without a prefix.
    Tag(&'b [u8], Form, usize),
}

fn markup(received: &[u8]) -> Markup<'_> {
    let Some(begins) = received.iter().position(|&byte| byte == b'<') else { return Markup::Unfinished };
    if begins > 0 {
        return Markup::Passed(begins);
    }
    match received.get(1) {
        None => return Markup::Unfinished,
        Some(b'!') => return Markup::Forbidden,
        Some(b'?') => {
            let end = received.windows(2).position(|pair| pair == b"?>");
            return end.map_or(Markup::Unfinished, |end| Markup::Passed(end + 2));
        }
        Some(_) => {}
    }
    let mut quote = None;
    let end = received.iter().position(|&byte| {
        match (quote, byte) {
            (None, b'>') => return true,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        false
    });
    let Some(end) = end else { return Markup::Unfinished };
    let inside = &received[1..end];
    let (inside, form) = match inside {
        [b'/', rest @ ..] => (rest, Form::Close),
        [rest @ .., b'/'] => (rest, Form::Empty),
        rest => (rest, Form::Open),
    };
    let name = inside.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = name.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    Markup::Tag(name, form, end + 1)
}

impl Xmpp {
    pub(super) fn new(namespace: &str, name: &Host) -> Self {
        let opening = format!(
            "<?xml version='1.0'?><stream:stream xmlns='{namespace}' \
             xmlns:stream='http://etherx.jabber.org/streams' to='{name}' version='1.0'>"
        );
        Self { opening: opening.into_bytes(), stage: Stage::Stream, offered: false, reason: Vec::new() }
    }

    fn tag(&mut self, name: &[u8], form: Form, taken: usize) -> Step {
        let go_on = Step::Say(taken, Vec::new());
        match (self.stage, name, form) {
            (Stage::Stream, b"stream", Form::Open) => self.stage = Stage::Features,
            (Stage::Stream, ..) => return Step::Refuse(StartTrouble::Malformed("no XMPP stream")),
            (Stage::Features, b"features", Form::Open) => self.stage = Stage::WithinFeatures(0),
            (Stage::Features, b"features", Form::Empty) => return self.decide(taken),
            (Stage::WithinFeatures(0), b"features", Form::Close) => return self.decide(taken),
            (Stage::WithinFeatures(depth), name, form) => {
                self.offered |= depth == 0 && name == b"starttls" && form != Form::Close;
                self.stage = Stage::WithinFeatures(match form {
                    Form::Open => depth.saturating_add(1),
                    Form::Close => depth.saturating_sub(1),
                    Form::Empty => depth,
                });
            }
            (Stage::Features | Stage::StartTls, b"error", Form::Open) => self.stage = Stage::Error,
            (Stage::Features | Stage::StartTls, b"stream", Form::Close) => {
                return refused("the stream", b"it was closed");
            }
            (Stage::Error, b"text", Form::Open) => self.stage = Stage::ErrorText,
            (Stage::Error, b"error", Form::Close) | (Stage::ErrorText, ..) => {
                return refused("the stream", &self.reason);
            }
            (Stage::Error, condition, Form::Open | Form::Empty) => self.reason.extend_from_slice(condition),
            (Stage::Error, ..) => {}
            (Stage::StartTls, b"proceed", Form::Empty) | (Stage::Proceed, b"proceed", Form::Close) => {
                return Step::Tls(taken, Vec::new());
            }
            (Stage::StartTls, b"proceed", Form::Open) => self.stage = Stage::Proceed,
            (Stage::StartTls, b"failure", _) => return refused("STARTTLS", b"failure"),
            (Stage::Features | Stage::StartTls | Stage::Proceed, ..) => {}
        }
        go_on
    }

    fn decide(&mut self, taken: usize) -> Step {
        if !self.offered {
            return Step::Refuse(StartTrouble::NotOffered(None));
        }
        self.stage = Stage::StartTls;
        Step::Say(taken, START.to_vec())
    }
}

impl Dialogue for Xmpp {
    fn opening(&self) -> Vec<u8> {
        self.opening.clone()
    }

    fn step(&mut self, received: &[u8]) -> Step {
        let first = received.iter().find(|byte| !byte.is_ascii_whitespace());
        if self.stage == Stage::Stream && first.is_some_and(|&first| first != b'<') {
            return foreign(received);
        }
        match markup(received) {
            Markup::Unfinished => Step::Wait,
            Markup::Forbidden => Step::Refuse(StartTrouble::Malformed("XML that XMPP forbids")),
            Markup::Passed(taken) => {
                if self.stage == Stage::ErrorText {
                    self.reason.extend_from_slice(b": ");
                    self.reason.extend_from_slice(&received[..taken]);
                }
                Step::Say(taken, Vec::new())
            }
            Markup::Tag(name, form, taken) => self.tag(name, form, taken),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Stream => "its answer to our stream",
            Stage::Features | Stage::WithinFeatures(_) | Stage::Error | Stage::ErrorText => {
                "its stream features"
            }
            Stage::StartTls | Stage::Proceed => "its answer to STARTTLS",
        }
    }

    fn goodbye(&self) -> &'static [u8] {
        b"</stream:stream>"
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Turn,
        tests::{at_once, rehearse, trouble},
    };
    use super::*;
    use crate::targets::StartTls;
    use proptest::prelude::*;

    const STREAM: &[u8] =
        b"<?xml version='1.0'?>\n<stream:stream from='mail.example' id='>' version=\"1.0\">";
    const OFFER: &[u8] =
        b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
        <mechanisms xmlns='urn:x'><mechanism>PLAIN</mechanism></mechanisms></stream:features>";

    #[test]
    fn tls_is_asked_for_where_the_features_offer_it() {
        let answer = [STREAM, OFFER].concat();
        for proceed in
            [&b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"[..], b"\n<proceed xmlns='u'></proceed>"]
        {
            let (said, turn) = rehearse(StartTls::Xmpp, &[&answer, proceed]);
            assert!(
                said[0].contains("xmlns='jabber:client'") && said[0].contains("to='mail.example'"),
                "{said:?}"
            );
            assert_eq!((said[1].as_bytes(), turn), (START, Turn::Tls(Vec::new())));
        }
        let (said, _) = rehearse(StartTls::XmppServer, &[&answer]);
        assert!(said[0].contains("xmlns='jabber:server'"), "{said:?}");
    }

    #[test]
    fn refusals_keep_the_servers_words() {
        let refused = |what, words: &str| StartTrouble::Refused(what, words.to_owned());
        let error = b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";
        let told: &[u8] =
            b"<stream:error><undefined-condition xmlns='u'></undefined-condition><text xml:lang='en'>nothing to offer</text></stream:error>";
        let nested = b"<stream:features><x><starttls/></x></stream:features>";
        for (answers, expected) in [
            (&[STREAM, &error[..]][..], refused("the stream", "host-unknown")),
            (&[STREAM, told], refused("the stream", "undefined-condition: nothing to offer")),
            (&[STREAM, b"</stream:stream>"], refused("the stream", "it was closed")),
            (&[STREAM, b"<stream:features/>"], StartTrouble::NotOffered(None)),
            (&[STREAM, nested], StartTrouble::NotOffered(None)),
            (
                &[STREAM, OFFER, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"],
                refused("STARTTLS", "failure"),
            ),
            (&[STREAM, b"<!-- no -->"], StartTrouble::Malformed("XML that XMPP forbids")),
            (&[b"<html>"], StartTrouble::Malformed("no XMPP stream")),
        ] {
            assert_eq!(at_once(StartTls::Xmpp, answers), Turn::Failed(expected, b"</stream:stream>"));
        }
        let turn = at_once(StartTls::Xmpp, &[STREAM, OFFER, b"<proceed/><message/>"]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"<message/>".to_vec()));
    }

    proptest! {
        #[test]
        fn any_markup_is_read_or_refused(text in "[<>/?!'\" a:=]{0,80}", stage in 0..7) {
            let mut xmpp = Xmpp::new("jabber:client", &Host::Name("a.example".to_owned()));
            xmpp.stage = [Stage::Stream, Stage::Features, Stage::WithinFeatures(0), Stage::Error, Stage::ErrorText, Stage::StartTls, Stage::Proceed][stage as usize];
            let _ = xmpp.step(text.as_bytes());
        }
    }
}
