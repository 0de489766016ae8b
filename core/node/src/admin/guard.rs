//! Keeps web pages out. A page that a user of this machine looks at could send requests to a loopback address,
//! by its name or by a name that resolves to it; the browser tells on it in `Host` or `Origin`.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::Refused;

/// Refuses requests that name another host, or come from the page of another.
pub async fn guard(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => Refused(StatusCode::FORBIDDEN, why).into_response(),
    }
}

fn check(headers: &HeaderMap) -> Result<(), String> {
    let text = |name: header::HeaderName| match headers.get(&name) {
        None => Ok(None),
        Some(value) => {
            value.to_str().map(Some).map_err(|_| format!("the header `{name}` is no text"))
        }
    };
    let host = text(header::HOST)?.unwrap_or_default();
    if !is_this_machine(host) {
        return Err(format!(
            "requests for the host `{}` are refused: use a loopback address, or the Unix socket",
            host.escape_default().take(100).collect::<String>()
        ));
    }
    match text(header::ORIGIN)? {
        None => Ok(()),
        // The page that this node itself serves.
        Some(origin) if origin.split_once("://").is_some_and(|(_, from)| from == host) => Ok(()),
        Some(origin) => Err(format!(
            "requests from the web page `{}` are refused",
            origin.escape_default().take(100).collect::<String>()
        )),
    }
}

/// `samara` is what the command line says over the Unix socket.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = literal.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || ["localhost", "samara"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn this_machine_is_let_in_and_pages_of_others_are_not() {
        for host in ["localhost:7301", "127.0.0.1:7301", "[::1]:7301", "127.8.0.1", "samara"] {
            assert_eq!(check(&headers(host, None)), Ok(()), "{host}");
            let own = format!("http://{host}");
            assert_eq!(check(&headers(host, Some(&own))), Ok(()), "{own}");
            for foreign in
                ["http://evil.example", "null", "http://localhost:9", "https://127.0.0.1.evil"]
            {
                assert!(check(&headers(host, Some(foreign))).is_err(), "{foreign}");
            }
        }
        for host in [
            "evil.example",
            "evil.example:7301",
            "10.0.0.1:7301",
            "",
            "localhost.evil",
            "127.0.0.1.evil",
        ] {
            assert!(check(&headers(host, None)).is_err(), "{host}");
        }
    }

    proptest! {
        #[test]
        fn any_host_and_origin_are_judged(host in "[ -~]{0,40}", origin in "[ -~]{0,40}") {
            let _ = check(&headers(&host, Some(&origin)));
        }
    }
}
