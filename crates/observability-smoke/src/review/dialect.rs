//! Asks a running Prometheus whether an expression that our parser refuses is PromQL: it may be newer than the parser,
//! and the server that will evaluate the rule knows best. GET alone; nothing is evaluated.

use super::{join::observe::Server, written::Asked};
use crate::{backends::prometheus_api::Api, http::Http, plan::REQUEST_TIMEOUT};

/// What parses without evaluating, the newer one first: `parse_query` came with Prometheus 3, `format_query` with 2.33.
const ENDPOINTS: [&str; 2] = ["parse_query", "format_query"];

/// What the server says of an expression; `None` when it knows no such question, or does not answer it.
pub(crate) async fn ask(http: &Http, server: &Server, expression: &str) -> Option<Asked> {
    let api = Api { http, url: &server.url, headers: &server.headers, timeout: REQUEST_TIMEOUT };
    let by = || format!("Prometheus at {}", server.url);
    for endpoint in ENDPOINTS {
        match api.data::<serde_json::Value>(&[endpoint], &[("query", expression)]).await {
            Ok(_) => return Some(Asked::Right { by: by() }),
            Err(why) => match why.0.split_once("bad_data: ") {
                Some((_, said)) => return Some(Asked::Wrong { said: said.to_owned(), by: by() }),
                None if why.0.starts_with("status 404") => {}
                None => return None,
            },
        }
    }
    None
}
