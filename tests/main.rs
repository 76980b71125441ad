//! Asks every door the same question.
