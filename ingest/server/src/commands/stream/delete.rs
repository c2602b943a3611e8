//! `headwater stream delete`.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use consumers::streams::Summary;

use super::{Access, text};
use crate::cli::DeleteArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{counted, note};

/// Deletes the stream, unless the person changes their mind, and waits until it is gone.
pub(super) async fn run(access: &Access, args: &DeleteArgs) -> Result<Outcome, Failure> {
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.yes && !can_ask {
        return Err(Failure::Usage("there is no terminal to ask on; give --yes to delete without asking".to_owned()));
    }
    let failure = access.failure(&args.name);
    let summary = access.streams.describe(&args.name).await.map_err(&failure)?;
    if !args.yes && !confirm(&summary).await? {
        note("nothing was deleted");
        return Ok(Outcome::Negative);
    }
    access.streams.delete(&args.name, args.with_consumers).await.map_err(&failure)?;
    match access.streams.settled(&args.name).await? {
        None => Ok(Outcome::Done),
        Some(summary) => Err(Failure::Unsettled { stream: args.name.clone(), status: summary.status }),
    }
}

/// Asks on the terminal.
async fn confirm(summary: &Summary) -> Result<bool, Failure> {
    let question = format!(
        "delete {} with its {} and all records of the last {}? [y/N] ",
        summary.name,
        counted(summary.open_shard_count.into(), "open shard"),
        text::hours(summary.retention_period_hours),
    );
    let asked = tokio::task::spawn_blocking(move || ask(&mut io::stdin().lock(), &mut io::stderr().lock(), &question));
    let answered = asked.await.unwrap_or_else(|source| Err(source.into()));
    answered.map_err(|source| Failure::System { action: "ask", source })
}

/// Whether the answer is yes; the end of the input is none.
fn ask(input: &mut impl BufRead, output: &mut impl Write, question: &str) -> io::Result<bool> {
    write!(output, "{question}")?;
    output.flush()?;
    let mut answer = String::new();
    input.by_ref().take(64).read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let answer = |text: &str| ask(&mut text.as_bytes(), &mut Vec::new(), "sure? ").unwrap();
        for text in ["y\n", "Yes\n", " YES \n"] {
            assert!(answer(text), "{text:?}");
        }
        for text in ["", "\n", "n\n", "yesterday\n"] {
            assert!(!answer(text), "{text:?}");
        }
    }
}
