//! What a module may use.

use std::time::Duration;

/// What a module may use. Every field is per call or per instance; all are checked by the host, none by the
/// guest's good will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of one call: roughly WASM instructions, about 20 a nanosecond. Fuel is repeatable: the same call
    /// uses the same. Default 50 million, which is 2 to 5 ms of spinning; a real question with 256 peers
    /// uses below 2 million.
    pub fuel: u64,
    /// Time of one call, as a clock on the wall shows it; late by 10 to 20 milliseconds. `None`: fuel
    /// alone ends a call, and the same inputs always end the same way. Default 50 ms: fuel ends a loop after 2
    /// to 5 ms, so this is for what is slow without using fuel; on a machine with three times as many busy
    /// threads as cores, good policies were seen to lose 10 ms to the scheduler.
    pub deadline: Option<Duration>,
    /// Bytes of each linear memory. A Rust guest starts with 0.3 to 1.1 MiB. Default 16 MiB.
    pub memory_bytes: usize,
    /// Linear memories. Default 2.
    pub memories: usize,
    /// Tables. Default 4.
    pub tables: usize,
    /// Elements of each table. Default 10,000.
    pub table_elements: usize,
    /// Core instances inside the component. Default 4.
    pub instances: usize,
    /// Bytes that one answer may take. Default 256 KiB; an answer with 1,024 decisions needs 50 KiB.
    pub result_bytes: usize,
    /// Bytes of the file. Compiling takes about 1.5 ms a KiB and no other limit stops it. Default 1 MiB.
    pub file_bytes: usize,
    /// Bytes of stack that a guest's calls may take on the calling thread, which must have 256 KiB more.
    /// Default 256 KiB.
    pub stack_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel: 50_000_000,
            deadline: Some(Duration::from_millis(50)),
            memory_bytes: 16 << 20,
            memories: 2,
            tables: 4,
            table_elements: 10_000,
            instances: 4,
            result_bytes: 256 << 10,
            file_bytes: 1 << 20,
            stack_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// The defaults without a deadline, so that a run depends on its inputs alone.
    pub fn for_simulation() -> Self {
        Limits { deadline: None, ..Limits::default() }
    }

    /// Stack that a thread needs to call into a guest: the guest's, and room for the host around it.
    pub fn thread_stack(&self) -> usize {
        self.stack_bytes + (1 << 20)
    }
}
