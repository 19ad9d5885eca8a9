//! A farm of TLS servers on loopback, well-behaved and not: certificates of any lifetime, and every way in
//! which a port can fail to be a TLS server. It judges nothing, and knows nothing of the checks.

mod authority;
mod behaviour;
mod forgery;
mod script;
mod served;

pub use authority::{Authority, Identity, Lifetime};
pub use behaviour::{Behaviour, HangUp};
pub use script::Line;
pub use served::{Farm, Stand};
