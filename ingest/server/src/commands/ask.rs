//! Asking the person before something is lost.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crate::failure::Failure;

/// Whether there is anybody to ask.
///
/// # Errors
/// `Usage` if not, and `is_sure` does not make asking needless.
pub(crate) fn check(is_sure: bool) -> Result<(), Failure> {
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if is_sure || can_ask {
        return Ok(());
    }
    Err(Failure::Usage("there is no terminal to ask on; give --yes to delete without asking".to_owned()))
}

/// Asks on the terminal; `question` is ended with the answers there are.
pub(crate) async fn confirm(question: String) -> Result<bool, Failure> {
    let asked = tokio::task::spawn_blocking(move || ask(&mut io::stdin().lock(), &mut io::stderr().lock(), &question));
    let answered = asked.await.unwrap_or_else(|source| Err(source.into()));
    answered.map_err(|source| Failure::System { action: "ask", source })
}

/// Whether the answer is yes; the end of the input is none.
fn ask(input: &mut impl BufRead, output: &mut impl Write, question: &str) -> io::Result<bool> {
    write!(output, "{question} [y/N] ")?;
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
        let answer = |text: &str| ask(&mut text.as_bytes(), &mut Vec::new(), "sure?").unwrap();
        for text in ["y\n", "Yes\n", " YES \n"] {
            assert!(answer(text), "{text:?}");
        }
        for text in ["", "\n", "n\n", "yesterday\n"] {
            assert!(!answer(text), "{text:?}");
        }
    }
}
