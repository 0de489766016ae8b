//! A real Chromium without a window, driven over its debugging protocol: JSON over a WebSocket, of which only what
//! is needed is here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::process::{DEADLINE, eventually};

/// One page in a browser of its own; dropping it ends the browser.
pub struct Page {
    child: Child,
    socket: TcpStream,
    last: u64,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Whether there is a Chromium.
    pub fn is_possible() -> bool {
        Command::new("chromium").arg("--version").output().is_ok()
    }

    /// Opens an address.
    pub fn open(url: &str) -> Page {
        let profile = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut child = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--remote-debugging-port=0", "--window-size=1100,1400", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--lang=en"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium was there a moment ago");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut lines = stderr.lines().map_while(Result::ok);
        let found = lines.find_map(|line| {
            Some(line.strip_prefix("DevTools listening on ws://")?.split('/').next()?.to_owned())
        });
        let address = found.expect("it says where it listens");
        // Who does not read on blocks the browser.
        std::thread::spawn(move || lines.for_each(drop));
        let path = first_page(&address);
        let socket = connect(&address, &path);
        let mut page = Page { child, socket, last: 0, _profile: profile };
        page.call("Page.enable", json!({}));
        page.call("Page.navigate", json!({ "url": url }));
        page.until("the page is loaded", "document.readyState === 'complete'");
        page
    }

    /// Asks the browser for something.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let request = json!({ "id": self.last, "method": method, "params": params });
        send(&mut self.socket, &request.to_string());
        loop {
            let message: Value = serde_json::from_str(&receive(&mut self.socket)).expect("JSON");
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, what: &str, expression: &str) {
        let text = |page: &mut Page| page.value("document.body ? document.body.innerText : ''");
        let mut left = 2 * DEADLINE.as_millis() / 10;
        while self.value(expression) != true {
            assert!(left > 0, "still not so: {what}; the page:\n{}", text(self));
            left -= 1;
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str, code: u64) {
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut params =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// A picture of the page, as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let result = self.call("Page.captureScreenshot", params);
        decoded(result["data"].as_str().expect("a picture"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The debugging path of the first page.
fn first_page(address: &str) -> String {
    let mut path = None;
    eventually("the browser has a page", || {
        let pages = pages(address).unwrap_or_default();
        let of_page = |one: &Value| one["type"] == "page";
        let found = pages.as_array().and_then(|all| all.iter().find(|one| of_page(one)).cloned());
        let url = found.and_then(|one| one["webSocketDebuggerUrl"].as_str().map(str::to_owned));
        path = url.and_then(|url| url.split_once(address).map(|(_, path)| path.to_owned()));
        path.is_some()
    });
    path.expect("it was found")
}

/// The browser answers HTTP/1.1 only, and leaves the connection open.
fn pages(address: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    write!(stream, "GET /json/list HTTP/1.1\r\nHost: {address}\r\n\r\n").ok()?;
    let mut lines = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn connect(address: &str, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket");
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .expect("it is open");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}

/// A text frame, masked with zeros.
fn send(socket: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81];
    match text.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    socket.write_all(&frame).expect("the browser lives");
}

/// The next message, of one frame or several; pings are left alone.
fn receive(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut head = [0; 2];
        socket.read_exact(&mut head).expect("the browser lives");
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                socket.read_exact(&mut bytes).expect("a length");
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                socket.read_exact(&mut bytes).expect("a length");
                u64::from_be_bytes(bytes)
            }
            short => u64::from(short),
        };
        let mut body = vec![0; length as usize];
        socket.read_exact(&mut body).expect("a body");
        if head[0] & 0x0f <= 2 {
            text.extend(body);
            if head[0] & 0x80 != 0 {
                return String::from_utf8(text).expect("text");
            }
        }
    }
}

fn decoded(base64: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = base64.bytes().filter_map(value).collect();
    let group = |part: &[u8]| {
        let all = part.iter().fold(0u32, |sum, digit| sum << 6 | u32::from(*digit));
        let all = all << (6 * (4 - part.len()));
        all.to_be_bytes()[1..part.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}
