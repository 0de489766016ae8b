//! Asks the node on a thread of its own, so that keys and signals are obeyed also while a node hangs.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError};
use std::thread;
use std::time::Duration;

use super::choice::Choice;
use super::gather::{Gatherer, Seen};

/// What the node answered, or why it did not.
pub type News = Result<Seen, String>;

/// See the module. The thread ends when this is dropped, or with the process.
pub struct Watcher {
    wishes: Sender<Choice>,
    news: Receiver<News>,
}

impl Watcher {
    /// Asks once an interval, for the details of this content.
    pub fn start(gatherer: Gatherer, interval: Duration, choice: Choice) -> Watcher {
        let (wishes, wished) = mpsc::channel();
        // One picture at most waits to be drawn.
        let (sender, news) = mpsc::sync_channel(1);
        thread::spawn(move || keep_looking(gatherer, interval, choice, &wished, &sender));
        Watcher { wishes, news }
    }

    /// From now on, this content; it is asked for at once.
    pub fn look_at(&self, choice: Choice) {
        // The thread ends only after this does.
        let _ = self.wishes.send(choice);
    }

    /// What was seen since the last time.
    ///
    /// # Errors
    /// When the thread is gone. Its panic has given the terminal back already: nothing may be drawn any more.
    pub fn news(&self) -> io::Result<Option<News>> {
        match self.news.try_recv() {
            Ok(news) => Ok(Some(news)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                Err(io::Error::other("what asks the node has failed"))
            }
        }
    }
}

fn keep_looking(
    mut gatherer: Gatherer,
    interval: Duration,
    mut choice: Choice,
    wished: &Receiver<Choice>,
    sender: &SyncSender<News>,
) {
    loop {
        match wished.recv_timeout(interval) {
            Ok(wish) => choice = wished.try_iter().last().unwrap_or(wish),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let news = gatherer.look(&choice).map_err(|failure| failure.to_string());
        if let Ok(seen) = &news {
            choice.keep_valid(seen);
        }
        if sender.send(news).is_err() {
            return;
        }
    }
}
