//! How people write and read quantities on the command line: durations, chunk sizes, limits, addresses.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond, MAX_CHUNK_SIZE, MIN_CHUNK_SIZE};

/// How long a finished fetch goes on serving others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// Not at all.
    None,
    /// This long.
    For(Duration),
    /// Until it is told to stop.
    Forever,
}

/// Parses `500ms`, `30s`, `1.5 min`, `2h`, `1d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    samara_model::parse_duration(text).map_err(|why| why.to_string())
}

/// Parses `none`, `forever` or a duration.
pub fn linger(text: &str) -> Result<Linger, String> {
    match text {
        "none" => Ok(Linger::None),
        "forever" => Ok(Linger::Forever),
        _ => duration(text).map(Linger::For).map_err(|why| format!("{why}, `forever` or `none`")),
    }
}

/// Parses `forever` or a duration; the longest there is stands for `forever`.
pub fn wait(text: &str) -> Result<Duration, String> {
    match text {
        "forever" => Ok(Duration::MAX),
        _ => duration(text).map_err(|why| format!("{why}, or `forever`")),
    }
}

/// Parses a chunk size: a power of two from 16 KiB to 16 MiB.
pub fn chunk_size(text: &str) -> Result<u32, String> {
    let size: ByteCount = text.parse().map_err(|why| format!("{why}"))?;
    u32::try_from(size.0)
        .ok()
        .filter(|size| size.is_power_of_two())
        .filter(|size| (MIN_CHUNK_SIZE..=MAX_CHUNK_SIZE).contains(size))
        .ok_or_else(|| {
            let (least, most) =
                (ByteCount(MIN_CHUNK_SIZE.into()), ByteCount(MAX_CHUNK_SIZE.into()));
            format!("a chunk cannot have {size}: use a power of two from {least} to {most}")
        })
}

/// Parses a cap on the bytes per second; zero is refused, since nothing would ever move.
pub fn limit(text: &str) -> Result<BytesPerSecond, String> {
    let rate: BytesPerSecond = text.parse().map_err(|why| format!("{why}"))?;
    if rate.0 == 0 {
        return Err("a limit of zero lets nothing through; for no limit leave it out".to_owned());
    }
    Ok(rate)
}

/// Parses `HOST:PORT` or `IP:PORT`; whether the host exists is found out by [`resolve`].
pub fn host_and_port(text: &str) -> Result<String, String> {
    let named = |(host, port): (&str, &str)| {
        !host.is_empty() && !host.contains(':') && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let numeric = text.parse::<SocketAddr>().is_ok_and(|address| address.port() > 0);
    if numeric || text.rsplit_once(':').is_some_and(named) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not an address: write HOST:PORT, for example `node1:7300`"))
}

/// Parses an address of this machine to listen on, or to be dialled at.
pub fn own_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is not an address of this machine: write IP:PORT, for example `0.0.0.0:7302`"
        )
    })
}

/// All addresses of a `HOST:PORT`.
pub fn resolve(text: &str) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|why| why.to_string())?.collect();
    if found.is_empty() { Err(format!("`{text}` has no address")) } else { Ok(found) }
}

/// `0.42 s`, `43.2 s`, `4 min 05 s`, `1 h 02 min`.
pub fn for_people(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", span.as_secs_f64()),
        10..100 => format!("{:.1} s", span.as_secs_f64()),
        100..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Whole per cents of `done` in `total`, never 100 before all is done.
pub fn per_cent(done: u64, total: u64) -> u64 {
    if total == 0 {
        return 0;
    }
    (u128::from(done.min(total)) * 100 / u128::from(total)) as u64
}

/// `1 peer`, `2 peers`.
pub fn count(number: u32, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `118.2 MiB/s`.
pub fn speed(bytes_per_second: f64) -> String {
    let whole = bytes_per_second.max(0.0) as u64;
    // One decimal is all that a person can read on a moving line; below 1 KiB none.
    let coarse = if whole >= 1024 { whole | 1 } else { whole };
    format!("{}/s", ByteCount(coarse))
}

/// NAME=VALUE, as `--param` and `--policy-param` take it.
///
/// # Errors
/// When there is no `=`, or no name before it.
pub fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example candidates=4".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linger_is_a_duration_or_a_word() {
        assert_eq!(linger("forever"), Ok(Linger::Forever));
        assert_eq!(linger("none"), Ok(Linger::None));
        assert_eq!(linger("1s"), Ok(Linger::For(Duration::from_secs(1))));
        assert!(linger("always").is_err());
    }

    #[test]
    fn a_wait_is_a_duration_or_forever() {
        assert_eq!(wait("forever"), Ok(Duration::MAX));
        assert_eq!(wait("2min"), Ok(Duration::from_secs(120)));
        assert!(wait("none").is_err_and(|why| why.contains("`forever`")));
    }

    #[test]
    fn chunk_sizes_are_powers_of_two_in_range() {
        assert_eq!(chunk_size("64KiB"), Ok(64 << 10));
        assert_eq!(chunk_size("16 MiB"), Ok(16 << 20));
        for wrong in ["0", "8KiB", "32MiB", "100KiB", "5 GB", "x"] {
            assert!(chunk_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        assert_eq!(limit("8 kbit/s"), Ok(BytesPerSecond(1000)));
        assert!(limit("0 Mbit/s").is_err());
        assert!(limit("100").is_err());
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for right in ["127.0.0.1:7300", "[::1]:7300", "localhost:7300"] {
            assert_eq!(host_and_port(right).as_deref(), Ok(right));
            assert!(resolve(right).is_ok_and(|found| !found.is_empty()), "{right}");
        }
        for wrong in ["", "localhost", "localhost:port", "1.2.3.4", "::1", ":7300", "1.2.3.4:0"] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_and_shares_are_short() {
        assert_eq!(for_people(Duration::from_millis(423)), "0.42 s");
        assert_eq!(for_people(Duration::from_secs(245)), "4 min 05 s");
        assert_eq!(for_people(Duration::from_secs(3720)), "1 h 02 min");
        assert_eq!(per_cent(999, 1000), 99);
        assert_eq!(per_cent(u64::MAX, u64::MAX), 100);
        assert_eq!((count(1, "peer"), count(0, "peer")), ("1 peer".into(), "0 peers".into()));
        assert_eq!(speed(1.5 * 1048576.0), "1.5 MiB/s");
    }
}
