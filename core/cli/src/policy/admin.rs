//! Talks to a running node over its admin socket: HTTP/1.1, one request per connection.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use samara_node::{ADMIN_SOCKET, PolicyStatus, Refusal};
use serde::Serialize;

use crate::exit::Failure;

/// A node answers within this time: compiling the largest module takes two seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer.
const MAX_ANSWER: u64 = 4 << 20;

/// Which node.
#[derive(Debug, Clone, clap::Args)]
pub struct NodeArg {
    /// The data directory of the running node: the one that `serve` or `fetch` was given with --data
    #[arg(long, value_name = "DIR", required_unless_present = "admin")]
    data: Option<PathBuf>,
    /// Its admin socket, in place of --data
    #[arg(long, value_name = "PATH", conflicts_with = "data")]
    admin: Option<PathBuf>,
}

impl NodeArg {
    fn socket(&self) -> PathBuf {
        match (&self.admin, &self.data) {
            (Some(admin), _) => admin.clone(),
            (None, Some(data)) => data.join(ADMIN_SOCKET),
            (None, None) => PathBuf::from(ADMIN_SOCKET),
        }
    }

    /// Asks for the policies' status.
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn get(&self, path: &str) -> Result<PolicyStatus, Failure> {
        self.ask("could not ask for the policies", "GET", path, "")
    }

    /// Wants something done; the answer is the status afterwards.
    ///
    /// # Errors
    /// When there is no such node, or it refuses.
    pub fn post(
        &self,
        doing: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<PolicyStatus, Failure> {
        let body = serde_json::to_string(body).map_err(|why| Failure::because(doing, &why))?;
        self.ask(doing, "POST", path, &body)
    }

    fn ask(
        &self,
        doing: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<PolicyStatus, Failure> {
        let socket = self.socket();
        let unreachable = |why: std::io::Error| {
            let doing = format!("{doing}: no node answers at {}", socket.display());
            Failure::because(doing, &why)
                .next("give the --data directory of a node that runs, as the user that runs it")
        };
        let answer = self.exchange(method, path, body).map_err(unreachable)?;
        let (status, body) = split(&answer).ok_or_else(|| {
            Failure::new(doing, "the node's answer cannot be read")
                .next("use the `samara` of the node's version")
        })?;
        if status == 200 {
            return serde_json::from_str(body).map_err(|why| Failure::because(doing, &why));
        }
        let refusal = serde_json::from_str::<Refusal>(body);
        let why = refusal.map_or_else(|_| format!("status {status}: {body}"), |one| one.error);
        Err(Failure::new(doing, why).still("the active policy stays active"))
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: samara\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// The status and the body of an answer whose length is told.
fn split(answer: &str) -> Option<(u16, &str)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart_and_nonsense_is_none() {
        let answer = "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(split(answer), Some((422, "{}")));
        for nonsense in ["", "HTTP/1.1", "HTTP/1.1 2é0\r\n\r\n", "SSH-2.0\r\n\r\n{}"] {
            assert_eq!(split(nonsense), None, "{nonsense:?}");
        }
    }
}
