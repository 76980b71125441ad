//! Tells the stories that were asked for, one after the other, with the time that each took.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use futures::FutureExt;

use crate::ground::Ground;

type Telling<'g> = Pin<Box<dyn Future<Output = Result<()>> + 'g>>;

/// One story: its name, which `T=` picks, and what it does.
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) told: for<'g> fn(&'g Ground) -> Telling<'g>,
}

/// `story!(webhook, starts)`: the function of this name in that module.
macro_rules! story {
    ($module:ident, $name:ident) => {
        $crate::tell::Story {
            name: concat!(stringify!($module), "::", stringify!($name)),
            told: |ground| Box::pin($module::$name(ground)),
        }
    };
}
pub(crate) use story;

/// Tells those whose name holds one of the words, all where there is none. Ends at the first that fails, and shows what
/// the cluster looks like then.
pub(crate) async fn all(stories: &[Story], words: &[String]) -> ExitCode {
    let is_asked = |story: &&Story| {
        words.is_empty() || words.iter().any(|word| story.name.contains(word.as_str()))
    };
    let asked: Vec<&Story> = stories.iter().filter(is_asked).collect();
    if asked.is_empty() {
        eprintln!("no story is called like that; there are:");
        for story in stories {
            eprintln!("  {}", story.name);
        }
        return ExitCode::FAILURE;
    }
    let begin = Instant::now();
    let ground = match Ground::new().await {
        Ok(ground) => ground,
        Err(error) => {
            eprintln!("Error: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    println!("{:6.1} s  {ground}", begin.elapsed().as_secs_f32());
    for (number, story) in asked.iter().enumerate() {
        let started = Instant::now();
        let told = AssertUnwindSafe((story.told)(&ground)).catch_unwind().await;
        let told = told.unwrap_or_else(|_| Err(anyhow!("it panicked, as said above")));
        let took = started.elapsed().as_secs_f32();
        if let Err(error) = told {
            println!("{took:6.1} s  FAILED {}", story.name);
            eprintln!("\n{}", ground.look().await);
            eprintln!("\n{} failed: {error:?}", story.name);
            let left = asked.len() - number - 1;
            if left > 0 {
                eprintln!("{left} more were not told");
            }
            return ExitCode::FAILURE;
        }
        println!("{took:6.1} s  {}", story.name);
    }
    let all = begin.elapsed().as_secs_f32();
    drop(ground);
    println!("{all:6.1} s  {} stories", asked.len());
    ExitCode::SUCCESS
}
