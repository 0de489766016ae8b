//! Talks to a running node over its admin API: HTTP/1.1, one request per connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use samara_node::{ADMIN_SOCKET, Refusal, config};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exit::Failure;

/// A node answers within this time: compiling the largest module takes two seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer: ten thousand contents at a kilobyte.
const MAX_ANSWER: u64 = 16 << 20;
/// Where the package's service puts its socket.
const SERVICE_SOCKET: &str = "/run/samara/admin.sock";
/// Names the node for all commands.
const VARIABLE: &str = "SAMARA_ADMIN";

/// Which node.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which node")]
pub struct NodeArg {
    /// Where the node is administered: its socket, or a loopback address. By default $SAMARA_ADMIN, the
    /// service of this machine, or your own node
    #[arg(long, value_name = "PATH|ADDR", conflicts_with = "data")]
    admin: Option<String>,
    /// The data directory of the node, in place of --admin
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A content at a node, for the commands that are about one.
#[derive(Debug, clap::Args)]
pub struct OneContent {
    /// A content id, at least its first 6 digits, or NAME@VERSION
    pub content: String,
    #[command(flatten)]
    pub node: NodeArg,
    /// Print the answer as one JSON document
    #[arg(long)]
    pub json: bool,
}

impl OneContent {
    /// Wants something done with it; `doing` becomes "could not DOING CONTENT".
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn send<T: DeserializeOwned>(
        &self,
        doing: &str,
        method: &str,
        below: &str,
    ) -> Result<T, Failure> {
        let doing = format!("could not {doing} {}", self.content);
        self.node.admin().send(&doing, method, &content_path(&self.content, below), None::<&()>)
    }
}

/// Where a node is administered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Socket(PathBuf),
    Address(SocketAddr),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Socket(path) => path.display().fmt(f),
            Place::Address(address) => address.fmt(f),
        }
    }
}

impl Place {
    fn of(text: &str) -> Place {
        match text.trim_start_matches("http://").trim_end_matches('/').parse() {
            Ok(address) => Place::Address(address),
            Err(_) => Place::Socket(PathBuf::from(text)),
        }
    }
}

/// Why there is no answer.
pub enum AskError {
    /// Nobody is there, perhaps for a moment.
    Unreachable(io::Error),
    /// The node says no.
    Refused { status: u16, why: String },
    /// It is not a node of this version.
    Unreadable(String),
    /// It is not where a node is administered.
    SomethingElse { status: u16 },
}

/// A node that runs.
#[derive(Debug, Clone)]
pub struct Admin {
    place: Place,
    /// How long an answer is waited for; `None` is for ever.
    patience: Option<Duration>,
}

impl NodeArg {
    /// The node that is meant.
    pub fn admin(&self) -> Admin {
        match &self.data {
            Some(data) => Admin::at(Place::Socket(data.join(ADMIN_SOCKET))),
            None => Admin::named(self.admin.as_deref()),
        }
    }
}

/// The service's socket where there is one, else that of a node that was started without a config.
fn usual() -> Place {
    let own = config::Config::default().data().join(ADMIN_SOCKET);
    Place::Socket(of_two(PathBuf::from(SERVICE_SOCKET), own))
}

/// A service that this user may not even see is named nevertheless, unless there is a node of his own: that tells him
/// what he lacks.
fn of_two(service: PathBuf, own: PathBuf) -> PathBuf {
    match service.try_exists() {
        Ok(true) => service,
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied && !own.exists() => service,
        _ => own,
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Admin {
    fn at(place: Place) -> Admin {
        Admin { place, patience: Some(PATIENCE) }
    }

    /// The node that an option names, or the usual one.
    pub fn named(option: Option<&str>) -> Admin {
        let variable = || std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let named = option.map(str::to_owned).or_else(variable);
        Admin::at(named.map_or_else(usual, |text| Place::of(&text)))
    }

    /// Whether there is anything to ask; it may still not answer.
    pub fn is_there(&self) -> bool {
        match &self.place {
            Place::Socket(path) => path.exists(),
            Place::Address(_) => true,
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn get<T: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<T, Failure> {
        self.ask("GET", path, None).map_err(|error| self.failure(doing, error))
    }

    /// Wants something done; the answer says how it stands afterwards.
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn send<T: DeserializeOwned>(
        &self,
        doing: &str,
        method: &str,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let body = body.map(serde_json::to_string).transpose();
        let body = body.map_err(|why| Failure::because(doing, &why))?;
        self.ask(method, path, body.as_deref()).map_err(|error| self.failure(doing, error))
    }

    /// Wants something done that takes as long as reading a whole content.
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn send_patiently<T: DeserializeOwned>(
        &self,
        doing: &str,
        method: &str,
        path: &str,
    ) -> Result<T, Failure> {
        let patient = Admin { place: self.place.clone(), patience: None };
        patient.ask(method, path, None).map_err(|error| self.failure(doing, error))
    }

    /// Tells why there is no answer.
    pub fn failure(&self, doing: &str, error: AskError) -> Failure {
        match error {
            AskError::Unreachable(why) => self.unreachable(doing, &why),
            AskError::Refused { why, .. } => Failure::new(doing, why),
            AskError::SomethingElse { status } => Failure::new(
                doing,
                format!("what answers at {} is not the administration of a node (status {status})", self.place),
            )
            .next("the address for metrics is another one: see `admin.listen` in the node's configuration"),
            AskError::Unreadable(why) => Failure::new(doing, why)
                .next("use the `samara` of the node's version: `samara --version`"),
        }
    }

    fn unreachable(&self, doing: &str, why: &io::Error) -> Failure {
        let doing = format!("{doing}: no node answers at {}", self.place);
        let failure = Failure::because(doing, why);
        match why.kind() {
            io::ErrorKind::PermissionDenied => failure.next(
                "only the user that runs the node may do this, and members of its group where the config says \
                 `socket_mode = \"0660\"`: use sudo, or join the group",
            ),
            _ => failure.next(
                "start one with `samara node`, or say which one with --admin PATH or --data DIR; without a node, \
                 use `samara serve` and `samara fetch --join`",
            ),
        }
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<T, AskError> {
        let answer = self.exchange(method, path, body).map_err(AskError::Unreachable)?;
        let (status, body) = split(&answer).ok_or_else(|| {
            AskError::Unreachable(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the answer was cut off",
            ))
        })?;
        if status == 200 {
            return serde_json::from_str(body).map_err(|why| {
                AskError::Unreadable(format!("the node's answer cannot be read: {why}"))
            });
        }
        match serde_json::from_str::<Refusal>(body) {
            Ok(refusal) => Err(AskError::Refused { status, why: refusal.error }),
            // A node refuses in words.
            Err(_) => Err(AskError::SomethingElse { status }),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&str>) -> io::Result<String> {
        let host = match &self.place {
            Place::Socket(_) => "samara".to_owned(),
            Place::Address(address) => address.to_string(),
        };
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if let Some(body) = body {
            request.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        } else {
            request.push_str("\r\n");
        }
        match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(self.patience)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                converse(stream, &request)
            }
            Place::Address(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(self.patience)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                converse(stream, &request)
            }
        }
    }
}

fn converse(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The path of a content: `/` is part of names, but not of the path.
pub fn content_path(content: &str, below: &str) -> String {
    let mut path = String::from("/v1/contents/");
    for byte in content.bytes() {
        if byte.is_ascii_alphanumeric() || b"@._-".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path + below
}

/// The status and the body of an answer whose length is told.
fn split(answer: &str) -> Option<(u16, &str)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let told = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    // An answer that is cut off, as the node ends, is none.
    told.is_none_or(|length| body.len() >= length).then_some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart_and_nonsense_is_none() {
        let answer = "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(split(answer), Some((422, "{}")));
        let cut = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}";
        for nonsense in ["", "HTTP/1.1", "HTTP/1.1 2é0\r\n\r\n", "SSH-2.0\r\n\r\n{}", cut] {
            assert_eq!(split(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn the_service_is_meant_where_there_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (service, own) = (folder.path().join("service"), folder.path().join("own"));
        let chosen = || of_two(service.clone(), own.clone());
        assert_eq!(chosen(), own);
        std::fs::write(&service, "").expect("written");
        assert_eq!(chosen(), service);
    }

    #[test]
    fn a_place_is_an_address_or_a_path() {
        let address = Place::Address(SocketAddr::from(([127, 0, 0, 1], 7301)));
        assert_eq!(Place::of("127.0.0.1:7301"), address);
        assert_eq!(Place::of("http://127.0.0.1:7301/"), address);
        assert_eq!(Place::of("/run/x.sock"), Place::Socket("/run/x.sock".into()));
    }

    #[test]
    fn names_are_escaped_in_paths() {
        assert_eq!(content_path("a/b@1+2", "/pin"), "/v1/contents/a%2Fb@1%2B2/pin");
        assert_eq!(content_path("é?#", ""), "/v1/contents/%C3%A9%3F%23");
    }
}
