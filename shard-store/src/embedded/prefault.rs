//! Brings pages into memory ahead of the writers: copying into warm pages runs several times faster than into cold ones.

use std::sync::Arc;

use crate::mmap::Mapping;
use crate::sync::Mutex;
use crate::sync::mpsc::{Receiver, SyncSender, sync_channel};
use crate::sync::thread::{self, JoinHandle};

/// How much is populated at a time, and how far ahead of the writer.
pub(crate) const WINDOW_BYTES: usize = 8 << 20;
/// Requests beyond this are dropped: they are hints.
const QUEUE_MAX: usize = 256;

struct Request {
    mapping: Arc<Mapping>,
    offset: usize,
}

/// The background thread that populates pages.
pub(crate) struct Prefaulter {
    requests: Mutex<Option<SyncSender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Prefaulter {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let thread = thread::Builder::new().name("hw-prefault".into()).spawn(move || run(&receiver))?;
        Ok(Self { requests: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Asks for the window that begins at `offset` of `mapping`.
    pub(crate) fn request(&self, mapping: &Arc<Mapping>, offset: usize) {
        if let Some(requests) = &*self.requests.lock() {
            let _ = requests.try_send(Request { mapping: Arc::clone(mapping), offset });
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.requests.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn run(requests: &Receiver<Request>) {
    for request in requests {
        request.mapping.populate(request.offset, WINDOW_BYTES);
    }
}
