//! Memory for chunks between socket and disk: bounded for the node, and reused, because fresh memory of
//! this size costs a page fault for every 4 KiB.

use std::sync::{Arc, Mutex, PoisonError};

use samara_model::{ByteCount, MIN_CHUNK_SIZE};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A permit stands for this many bytes.
const UNIT: usize = 1 << 10;
/// Idle buffers that are kept, in bytes.
const KEPT: usize = 8 << 20;

/// The node's memory for arriving chunks.
#[derive(Debug)]
pub(super) struct ReceiveMemory {
    units: usize,
    free: Arc<Semaphore>,
    pool: Mutex<Vec<Vec<u8>>>,
}

/// Room for one chunk. Returns to the pool when dropped.
#[derive(Debug)]
pub(super) struct ChunkBuffer {
    /// Empty at first, with the capacity that was asked for.
    pub bytes: Vec<u8>,
    home: Arc<ReceiveMemory>,
    _permit: OwnedSemaphorePermit,
}

impl ReceiveMemory {
    pub fn new(size: ByteCount) -> Arc<Self> {
        let units = (size.0 as usize / UNIT).clamp(2, Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(units));
        Arc::new(ReceiveMemory { units, free, pool: Mutex::default() })
    }

    /// Room for `len` bytes; waits until there is some. First come, first served. A chunk never counts
    /// for more than half, so that two always fit. Cancel safe.
    pub async fn room_for(self: &Arc<Self>, len: u32) -> ChunkBuffer {
        let units = (len as usize).div_ceil(UNIT).min(self.units / 2).max(1) as u32;
        let permit = self.free.clone().acquire_many_owned(units).await;
        let permit = permit.expect("the semaphore is never closed");
        ChunkBuffer { bytes: self.reuse(len), home: self.clone(), _permit: permit }
    }

    /// A free buffer of the right class: powers of two, as chunks are.
    fn reuse(&self, len: u32) -> Vec<u8> {
        let class = len.max(MIN_CHUNK_SIZE).next_power_of_two() as usize;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match pool.iter().rposition(|free| (class..2 * class).contains(&free.capacity())) {
            Some(at) => pool.remove(at),
            None => Vec::with_capacity(class),
        }
    }

    fn take_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = pool.iter().map(Vec::capacity).sum();
        if kept + bytes.capacity() > KEPT && !pool.is_empty() {
            pool.remove(0);
        }
        pool.push(bytes);
    }
}

impl Drop for ChunkBuffer {
    fn drop(&mut self) {
        self.home.take_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_two_chunks_always_fit() {
        let memory = ReceiveMemory::new(ByteCount(64 << 10));
        let first = memory.room_for(16 << 20).await;
        let second = memory.room_for(16 << 20).await;
        let third = timeout(Duration::from_secs(1), memory.room_for(1)).await;
        assert!(third.is_err(), "there is no room");
        drop(first);
        memory.room_for(1).await;
        drop(second);
    }

    #[tokio::test]
    async fn buffers_are_reused() {
        let memory = ReceiveMemory::new(ByteCount(1 << 20));
        let mut first = memory.room_for(60_000).await;
        first.bytes.resize(60_000, 1);
        let address = first.bytes.as_ptr();
        drop(first);
        let second = memory.room_for(65_536).await;
        assert!(second.bytes.is_empty());
        assert_eq!(second.bytes.as_ptr(), address);
    }
}
