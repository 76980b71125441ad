//! What is answered where there is no review to answer: a status and one sentence, with its code where it has one.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use thanos_core::codes::{self, Code};

use crate::metrics::Metrics;

/// A request that gets no review.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejection {
    status: StatusCode,
    /// For the counter.
    cause: &'static str,
    /// The registry's rows are statics, and a constant may only point at one.
    code: Option<&'static &'static Code>,
    sentence: &'static str,
    /// Ask again after a second: the API server does.
    again: bool,
    /// What is left of the request is not read.
    closes: bool,
}

const PLAIN: Rejection = Rejection {
    status: StatusCode::BAD_REQUEST,
    cause: "",
    code: None,
    sentence: "",
    again: false,
    closes: false,
};

pub(crate) const PATH: Rejection = Rejection {
    status: StatusCode::NOT_FOUND,
    cause: "path",
    sentence: "only /mutate and /validate are answered here",
    ..PLAIN
};

pub(crate) const METHOD: Rejection = Rejection {
    status: StatusCode::METHOD_NOT_ALLOWED,
    cause: "method",
    sentence: "only POST is answered here",
    ..PLAIN
};

pub(crate) const CONTENT_TYPE: Rejection = Rejection {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    cause: "content-type",
    sentence: "Content-Type must be application/json, without an encoding",
    closes: true,
    ..PLAIN
};

pub(crate) const TOO_LARGE: Rejection = Rejection {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    cause: "too-large",
    sentence: "the body is larger than a review can be",
    closes: true,
    ..PLAIN
};

pub(crate) const SLOW: Rejection = Rejection {
    status: StatusCode::REQUEST_TIMEOUT,
    cause: "body-timeout",
    sentence: "the body did not come in time",
    closes: true,
    ..PLAIN
};

pub(crate) fn cut_off() -> Rejection {
    Rejection {
        cause: "cut-off",
        closes: true,
        ..unreadable("the body was cut off")
    }
}

pub(crate) fn unreadable(sentence: &'static str) -> Rejection {
    Rejection {
        cause: "unreadable",
        code: Some(&codes::REVIEW_UNREADABLE),
        sentence,
        ..PLAIN
    }
}

pub(crate) const BUSY: Rejection = Rejection {
    status: StatusCode::TOO_MANY_REQUESTS,
    cause: "busy",
    code: Some(&codes::OVERLOADED),
    sentence: "too many reviews at once",
    again: true,
    ..PLAIN
};

pub(crate) const BUG: Rejection = Rejection {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    cause: "bug",
    code: Some(&codes::BUG),
    sentence: "this should not happen; the log says where",
    ..PLAIN
};

impl Rejection {
    /// The answer, counted by its cause.
    pub(crate) fn counted(self, metrics: &Metrics) -> Response {
        metrics.reject(self.cause);
        let text = self.code.map_or_else(
            || format!("{}\n", self.sentence),
            |code| format!("{code} {}\n", self.sentence),
        );
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            text,
        )
            .into_response();
        if self.again {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
