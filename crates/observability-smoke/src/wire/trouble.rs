//! Why a connection or an answer did not come about, and on whose side the reason lies.

use std::{io, time::Duration};

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The name does not resolve.
    Unresolved,
    /// The target, or a firewall in its name, refused the connection at once.
    Refused,
    /// A router or the target's neighbour said that there is no way to it.
    Unreachable,
    /// Nothing came back in time.
    Silent,
    /// Our own machine prevented it: no route, no permission, no free port or file.
    OurOwn,
    /// TLS, HTTP or something else of the talk went wrong.
    Talk,
}

/// Trouble, in words that hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Trouble {
    pub(crate) cause: Cause,
    pub(crate) what: String,
}

impl Trouble {
    pub(crate) fn new(cause: Cause, what: impl Into<String>) -> Self {
        Self { cause, what: what.into() }
    }

    /// Something of the talk went wrong.
    pub(crate) fn talk(what: impl Into<String>) -> Self {
        Self::new(Cause::Talk, what)
    }

    /// Nothing came back within this time.
    pub(crate) fn late(what: &str, timeout: Duration) -> Self {
        // A share of what is left of a time has more digits than anybody reads.
        let seconds = (timeout.as_secs_f64() * 1000.0).round() / 1000.0;
        Self::new(Cause::Silent, format!("{what} within {seconds} s"))
    }

    /// A connection that could not be opened.
    pub(crate) fn connecting(error: &io::Error) -> Self {
        Self::new(cause_of(error), format!("no connection: {error}"))
    }
}

/// Linux' numbers for what an address family or a machine lacks; `std` has no names for all of them.
const EPERM: i32 = 1;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const EAFNOSUPPORT: i32 = 97;
const EADDRNOTAVAIL: i32 = 99;
const ENETDOWN: i32 = 100;
const ENETUNREACH: i32 = 101;
const ENOBUFS: i32 = 105;
const EHOSTUNREACH: i32 = 113;

/// Whose fault it is that no connection was opened. `EPERM` is what a rule of our own machine's firewall says,
/// `ENETUNREACH` a machine without a route there.
fn cause_of(error: &io::Error) -> Cause {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::ConnectionRefused, _) => Cause::Refused,
        (io::ErrorKind::TimedOut, _) => Cause::Silent,
        (_, Some(EHOSTUNREACH)) => Cause::Unreachable,
        (
            _,
            Some(EPERM | ENFILE | EMFILE | EAFNOSUPPORT | EADDRNOTAVAIL | ENETDOWN | ENETUNREACH | ENOBUFS),
        )
        | (io::ErrorKind::PermissionDenied | io::ErrorKind::OutOfMemory, _) => Cause::OurOwn,
        _ => Cause::Talk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_own_machine_prevents_is_told_apart_from_what_the_target_does() {
        for (number, cause) in [
            (111, Cause::Refused),
            (110, Cause::Silent),
            (113, Cause::Unreachable),
            (101, Cause::OurOwn),
            (1, Cause::OurOwn),
            (13, Cause::OurOwn),
            (24, Cause::OurOwn),
            (99, Cause::OurOwn),
            (104, Cause::Talk),
        ] {
            let trouble = Trouble::connecting(&io::Error::from_raw_os_error(number));
            assert_eq!(trouble.cause, cause, "{trouble}");
        }
    }
}
