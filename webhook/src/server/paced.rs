//! A stream whose client must keep pace: idle for so long, a header in so long, an answer taken in so long.
//!
//! hyper's one timer runs from the end of the last answer, so it cannot tell a slow header from an idle connection.
//! The body's deadline is the handler's own: only it knows when the body is whole.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;

/// Where a connection is, told by its stream and by its service.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No request since then.
    Idle(Instant),
    /// The first byte of a header came then.
    Header(Instant),
    /// A request is with its handler.
    Busy,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Phase::Idle(Instant::now())))
    }

    pub(super) fn is_busy(&self) {
        self.set(Phase::Busy);
    }

    pub(super) fn is_idle(&self) {
        self.set(Phase::Idle(Instant::now()));
    }

    fn get(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
}

/// The stream.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    limits: Limits,
    seats: Arc<Semaphore>,
    reading: Alarm,
    writing: Alarm,
    write_since: Option<Instant>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>, limits: Limits, seats: Arc<Semaphore>) -> Self {
        Self {
            stream,
            pace,
            limits,
            seats,
            reading: Alarm(None),
            writing: Alarm(None),
            write_since: None,
        }
    }

    /// Ready with an error when the client has had its time.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let (end, look) = match self.pace.get() {
                Phase::Busy => return Poll::Pending,
                Phase::Header(since) => (since + self.limits.header, Duration::MAX),
                // Looked at now and then: when no seat is left, who only sits there has to go.
                Phase::Idle(since) if self.seats.available_permits() == 0 => (
                    since + self.limits.header.min(self.limits.idle),
                    self.limits.header,
                ),
                Phase::Idle(since) => (since + self.limits.idle, self.limits.header),
            };
            let now = Instant::now();
            if now >= end {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            let wake = now.checked_add(look).map_or(end, |look| end.min(look));
            ready!(self.reading.poll(wake, context));
        }
    }

    /// Passes the result of a write on, unless the client has not taken anything for too long.
    fn check<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_since = None;
            return written;
        }
        let since = *self.write_since.get_or_insert_with(Instant::now);
        ready!(self.writing.poll(since + self.limits.write, context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            let came = buffer.filled().len() > before;
            if came && matches!(self.pace.get(), Phase::Idle(_)) {
                self.pace.set(Phase::Header(Instant::now()));
            }
            return Poll::Ready(read);
        }
        self.poll_patience(context).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.check(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.check(shut, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.check(written, context)
    }
}

/// One timer, made when it is first needed and set anew after that.
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(context)
    }
}
