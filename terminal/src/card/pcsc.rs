//! PC/SC behind the reader port.
//!
//! When pcscd dies, clients get one CommError and then NoService at once and for
//! ever, until they establish a new context. So the context is dropped at such an
//! error, and made anew at most once per pause, which doubles up to five seconds:
//! calls in between fail without touching the service.

use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use zeroize::Zeroizing;

use super::{CardFault, Connection, Presence, Reader};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long to wait for a card that another program holds.
const BUSY_WAIT: Duration = Duration::from_secs(3);
/// How long a driver may take to notice that a card is gone.
const NOTICED_AFTER: Duration = Duration::from_millis(1200);
/// Largest answer: 65 536 bytes and the status word.
const ANSWER: usize = pcsc::MAX_BUFFER_SIZE_EXTENDED;

/// The smart-card service, shared by all readers of a program.
#[derive(Clone, Default)]
pub struct Service(Arc<Mutex<Link>>);

#[derive(Default)]
struct Link {
    context: Option<Context>,
    pause: Option<(Instant, Duration)>,
}

impl Service {
    /// A service that is first asked when it is first needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a call on the present context, making one when there is none.
    fn call<T>(&self, work: impl FnOnce(&Context) -> Result<T, Error>) -> Result<T, Trouble> {
        let context = {
            let mut link = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            link.context()?
        };
        work(&context).map_err(|error| {
            if is_service_away(error) {
                let mut link = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                link.lost();
            }
            Trouble::Pcsc(error)
        })
    }
}

impl Link {
    fn context(&mut self) -> Result<Context, Trouble> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        if let Some((since, pause)) = self.pause
            && since.elapsed() < pause
        {
            return Err(Trouble::Paused);
        }
        match Context::establish(Scope::User) {
            Ok(context) => {
                self.context = Some(context.clone());
                self.pause = None;
                Ok(context)
            }
            Err(error) => {
                self.lost();
                Err(Trouble::Pcsc(error))
            }
        }
    }

    fn lost(&mut self) {
        self.context = None;
        let pause = match self.pause {
            Some((_, pause)) => (pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        self.pause = Some((Instant::now(), pause));
    }
}

enum Trouble {
    /// The service failed a moment ago and is left alone.
    Paused,
    Pcsc(Error),
}

fn is_service_away(error: Error) -> bool {
    matches!(
        error,
        Error::NoService
            | Error::ServiceStopped
            | Error::CommError
            | Error::InvalidHandle
            | Error::InternalError
            | Error::SystemCancelled
            | Error::Shutdown
    )
}

/// What an error means while a card is being worked with (`working`) or looked for.
fn fault(error: Error, working: bool) -> CardFault {
    match error {
        e if is_service_away(e) => CardFault::ServiceAway,
        Error::RemovedCard => CardFault::Removed,
        Error::NoSmartcard | Error::NotReady if working => CardFault::Removed,
        Error::NoSmartcard | Error::NotReady => CardFault::NoCard,
        // The reader was unplugged, or pcscd is going down under a card at work.
        Error::ReaderUnavailable | Error::UnknownReader if working => CardFault::Removed,
        Error::ResetCard | Error::NotTransacted if working => CardFault::Interrupted,
        Error::SharingViolation => CardFault::Busy,
        _ => CardFault::Mute,
    }
}

/// A reader found by its name, or a part of it.
pub struct PcscReader {
    service: Service,
    wanted: String,
}

impl PcscReader {
    /// A reader whose name contains `wanted`. Nothing is asked of the service yet.
    pub fn new(service: &Service, wanted: &str) -> Self {
        Self {
            service: service.clone(),
            wanted: wanted.to_owned(),
        }
    }

    fn trouble(&self, trouble: Trouble) -> CardFault {
        match trouble {
            Trouble::Paused => CardFault::ServiceAway,
            Trouble::Pcsc(Error::NoReadersAvailable | Error::UnknownReader) => {
                CardFault::ReaderMissing(self.wanted.clone())
            }
            Trouble::Pcsc(error) => fault(error, false),
        }
    }

    fn find(&self) -> Result<CString, CardFault> {
        let names = self
            .service
            .call(|context| context.list_readers_owned())
            .map_err(|t| self.trouble(t))?;
        names
            .into_iter()
            .find(|name| name.to_string_lossy().contains(&self.wanted))
            .ok_or_else(|| CardFault::ReaderMissing(self.wanted.clone()))
    }
}

impl Reader for PcscReader {
    fn name(&self) -> String {
        self.wanted.clone()
    }

    fn presence(&self) -> Result<Presence, CardFault> {
        let name = self.find()?;
        let state = self
            .service
            .call(|context| {
                let mut states = [ReaderState::new(name, State::UNAWARE)];
                match context.get_status_change(Duration::ZERO, &mut states) {
                    Ok(()) | Err(Error::Timeout) => Ok(states[0].event_state()),
                    Err(error) => Err(error),
                }
            })
            .map_err(|t| self.trouble(t))?;
        Ok(if state.contains(State::PRESENT) {
            Presence::Card
        } else {
            Presence::Empty
        })
    }

    fn connect(&self) -> Result<Box<dyn Connection>, CardFault> {
        let name = self.find()?;
        let started = Instant::now();
        loop {
            let connected = self
                .service
                .call(|context| context.connect(&name, ShareMode::Exclusive, Protocols::ANY));
            match connected {
                Ok(card) => {
                    return Ok(Box::new(PcscConnection {
                        card: Some(card),
                        reader: name,
                        service: self.service.clone(),
                        buffer: Zeroizing::new(vec![0; ANSWER]),
                    }));
                }
                Err(Trouble::Pcsc(Error::SharingViolation)) if started.elapsed() < BUSY_WAIT => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(trouble) => return Err(self.trouble(trouble)),
            }
        }
    }
}

struct PcscConnection {
    /// Present until dropped.
    card: Option<pcsc::Card>,
    reader: CString,
    service: Service,
    buffer: Zeroizing<Vec<u8>>,
}

impl Connection for PcscConnection {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        let card = self.card.as_ref().ok_or(CardFault::Removed)?;
        let answered = card
            .transmit(command, &mut self.buffer)
            .map(|answer| Zeroizing::new(answer.to_vec()));
        match answered {
            Ok(answer) if answer.len() >= 2 => Ok(answer),
            // Some drivers answer with nothing when the card goes in the middle.
            Ok(_) if self.is_empty_soon() => Err(CardFault::Removed),
            Ok(_) => Err(CardFault::Mute),
            Err(error) => {
                if is_service_away(error) {
                    self.service
                        .0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .lost();
                    return Err(CardFault::ServiceAway);
                }
                let fault = fault(error, true);
                Err(if fault != CardFault::Removed && self.is_empty_soon() {
                    CardFault::Removed
                } else {
                    fault
                })
            }
        }
    }
}

impl PcscConnection {
    /// Whether the reader turns out to be empty. A card pulled in the middle of a
    /// command first looks like a broken one: drivers notice its absence a little later.
    fn is_empty_soon(&self) -> bool {
        let started = Instant::now();
        while started.elapsed() < NOTICED_AFTER {
            let state = self.service.call(|context| {
                let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
                context.get_status_change(Duration::ZERO, &mut states)?;
                Ok(states[0].event_state())
            });
            match state {
                Ok(state) if state.contains(State::PRESENT) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
        false
    }
}

impl Drop for PcscConnection {
    fn drop(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((_, error)) = card.disconnect(Disposition::ResetCard)
        {
            // The card was pulled or the service died: there is nothing left to reset.
            tracing::debug!(%error, "card connection ended by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_does_not_answer_is_left_alone_for_a_growing_pause() {
        let mut link = Link::default();
        link.lost();
        assert_eq!(link.pause.unwrap().1, FIRST_PAUSE);
        for _ in 0..10 {
            link.lost();
        }
        assert_eq!(link.pause.unwrap().1, LONGEST_PAUSE);
        assert!(matches!(link.context(), Err(Trouble::Paused)));
    }

    #[test]
    fn a_card_pulled_at_work_and_an_empty_reader_are_told_apart() {
        assert_eq!(fault(Error::NoSmartcard, false), CardFault::NoCard);
        assert_eq!(fault(Error::NoSmartcard, true), CardFault::Removed);
        assert_eq!(fault(Error::RemovedCard, true), CardFault::Removed);
        assert_eq!(fault(Error::ResetCard, true), CardFault::Interrupted);
        assert_eq!(fault(Error::NoService, true), CardFault::ServiceAway);
        assert_eq!(fault(Error::UnresponsiveCard, false), CardFault::Mute);
    }
}
