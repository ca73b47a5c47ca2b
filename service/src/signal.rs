//! Ending by SIGTERM or SIGINT.

use std::{future::poll_fn, io, task::Poll};

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};

/// The two signals that ask a program to end. Listen before starting anything: a
/// signal that comes in between counts then.
pub struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    /// From now on the signals are heard, and no longer end the process by themselves.
    ///
    /// # Errors
    /// When the operating system does not let the process listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for whichever comes first.
    pub async fn wait(&mut self) {
        poll_fn(|context| {
            if self.terminate.poll_recv(context).is_ready()
                || self.interrupt.poll_recv(context).is_ready()
            {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
