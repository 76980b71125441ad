//! A body that is bounded in size, in time, and together with all others; and the time that its sender grants.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::State;
use super::rejection::{self, Rejection};

/// From the end of our time to the end of the API server's.
const MARGIN: Duration = Duration::from_millis(200);

/// A whole body. Its bytes count against what all may hold until it is dropped.
pub(super) struct Held<'s> {
    pub(super) bytes: Vec<u8>,
    _share: Option<SemaphorePermit<'s>>,
}

/// Reads a body to its end.
pub(super) async fn read(state: &State, request: Request) -> Result<Held<'_>, Rejection> {
    if !is_json(request.headers()) {
        return Err(rejection::CONTENT_TYPE);
    }
    let body = request.into_body();
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > state.limits.body as u64) {
        return Err(rejection::TOO_LARGE);
    }
    let first = announced.map_or(SEGMENT, |length| {
        SEGMENT.min(usize::try_from(length).unwrap_or(SEGMENT))
    });
    timeout(
        state.limits.body_timeout,
        collect(state, body, Segments::starting_with(first)),
    )
    .await
    .unwrap_or(Err(rejection::SLOW))
}

/// A share grows with what has come, not with what was announced, and is never waited for: two halves that wait for
/// each other would wait for ever.
async fn collect(
    state: &State,
    mut body: Body,
    mut segments: Segments,
) -> Result<Held<'_>, Rejection> {
    let mut share: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| rejection::cut_off())?.into_data() else {
            continue;
        };
        if segments.length + data.len() > state.limits.body {
            return Err(rejection::TOO_LARGE);
        }
        let count = u32::try_from(data.len()).map_err(|_| rejection::TOO_LARGE)?;
        let more = state
            .bytes
            .try_acquire_many(count)
            .map_err(|_| rejection::BUSY)?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        segments.push(&data);
    }
    Ok(Held {
        bytes: segments.into_bytes(),
        _share: share,
    })
}

/// As much as is copied together at a time.
const SEGMENT: usize = 64 * 1024;

/// Bytes as they came, in pieces of one size. A buffer that grows instead is there twice whenever it grows, and leaves
/// holes behind that an allocator keeps: many bodies at once would cost a multiple of what they may hold.
struct Segments {
    filled: Vec<Vec<u8>>,
    length: usize,
}

impl Segments {
    fn starting_with(capacity: usize) -> Self {
        Self {
            filled: vec![Vec::with_capacity(capacity)],
            length: 0,
        }
    }

    fn push(&mut self, mut data: &[u8]) {
        self.length += data.len();
        while !data.is_empty() {
            match self
                .filled
                .last_mut()
                .filter(|last| last.len() < last.capacity())
            {
                None => self.filled.push(Vec::with_capacity(SEGMENT)),
                Some(last) => {
                    let (fits, rest) = data.split_at(data.len().min(last.capacity() - last.len()));
                    last.extend_from_slice(fits);
                    data = rest;
                }
            }
        }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        match self.filled.pop() {
            Some(only) if self.filled.is_empty() => only,
            Some(last) => {
                self.filled.push(last);
                self.filled.concat()
            }
            None => Vec::new(),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media = text(header::CONTENT_TYPE)
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("identity");
    media.trim().eq_ignore_ascii_case("application/json")
        && encoding.eq_ignore_ascii_case("identity")
}

/// How long a review may take: `?timeout=` less a margin, and never longer than `most`.
pub(super) fn budget(query: Option<&str>, most: Duration) -> Duration {
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    let granted = pairs
        .filter_map(|pair| pair.strip_prefix("timeout="))
        .find_map(go_duration);
    granted.map_or(most, |granted| granted.saturating_sub(MARGIN).min(most))
}

/// Go's way of writing a duration, in whole numbers: `5s`, `1m30s`, `500ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let unit = match &after[..end] {
            "h" => Duration::from_secs(3600),
            "m" => Duration::from_secs(60),
            "s" => Duration::from_secs(1),
            "ms" => Duration::from_millis(1),
            _ => return None,
        };
        total = total.checked_add(unit.checked_mul(number.parse().ok()?)?)?;
        rest = &after[end..];
    }
    (!total.is_zero()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_give_back_what_came() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * SEGMENT + 17).collect();
        for (first, step) in [(0, 1000), (1, 7), (SEGMENT, SEGMENT), (100, bytes.len())] {
            let mut segments = Segments::starting_with(first);
            bytes.chunks(step).for_each(|chunk| segments.push(chunk));
            assert_eq!(segments.length, bytes.len());
            assert!(segments.into_bytes() == bytes, "{first} {step}");
        }
        assert!(Segments::starting_with(0).into_bytes().is_empty());
    }

    #[test]
    fn the_senders_timeout_bounds_the_review() {
        let most = Duration::from_secs(3);
        for (query, expected) in [
            (None, 3000),
            (Some("timeout=30s"), 3000),
            (Some("timeout=2s"), 1800),
            (Some("a=b&timeout=1s"), 800),
            (Some("timeout=100ms"), 0),
            (Some("timeout=1m0s"), 3000),
            (Some("timeout="), 3000),
            (Some("timeout=99999999999999999999s"), 3000),
            (Some("timeout=-1s"), 3000),
            (Some("timeout=soon"), 3000),
        ] {
            assert_eq!(
                budget(query, most),
                Duration::from_millis(expected),
                "{query:?}"
            );
        }
    }
}
