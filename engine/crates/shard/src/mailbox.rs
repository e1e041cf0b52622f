//! Messages to a shard from other threads: a vector under a short lock, and one wake-up for all that is in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use server::Message;

/// A shard's inbox.
pub struct Mailbox {
    messages: Mutex<Vec<Message>>,
    /// Whether the shard has been woken for what is in `messages`.
    pending: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Mailbox {
    /// An empty inbox whose owner wakes by `wake`.
    #[must_use]
    pub fn new(wake: Box<dyn Fn() + Send + Sync>) -> Mailbox {
        Mailbox { messages: Mutex::default(), pending: AtomicBool::new(false), wake }
    }

    /// Adds messages, in order.
    pub fn send(&self, messages: &mut Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        self.lock().append(messages);
        if !self.pending.swap(true, Ordering::SeqCst) {
            (self.wake)();
        }
    }

    /// Takes all messages: the flag is cleared before the queue is, so that a message between the two wakes again.
    pub fn take(&self, into: &mut Vec<Message>) {
        if self.pending.swap(false, Ordering::SeqCst) {
            std::mem::swap(&mut *self.lock(), into);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
