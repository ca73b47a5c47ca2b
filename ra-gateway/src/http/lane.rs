//! Lanes: kinds of work that may not starve one another. In May 2020 password resets, a
//! hundred times the usual number, stopped the issuing of certificates in the whole
//! country. Each lane has its own share of working threads, its own buckets of requests and
//! its own connections to the database.

use std::{sync::Arc, time::Duration};

use actix_web::rt::time::timeout;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::app::App;

/// How long a request waits for its lane.
const PATIENCE: Duration = Duration::from_secs(5);

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Applications, revocations, look-ups: what may lead to the authority.
    Window,
    /// Notices about cards.
    Notices,
    /// Kept papers: few at once, for each takes room in memory.
    Papers,
}

impl Lane {
    /// The lane of an address.
    #[must_use]
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v1/papers") || path.ends_with("/papers") {
            Self::Papers
        } else if path.starts_with("/v1/notice") {
            Self::Notices
        } else {
            Self::Window
        }
    }

    /// In metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Notices => "notices",
            Self::Papers => "papers",
        }
    }
}

/// The use-cases as each lane works them: on the same ports, with a store of its own.
#[derive(Clone)]
pub struct Apps {
    /// Applications and the rest.
    pub window: Arc<App>,
    /// Notices.
    pub notices: Arc<App>,
}

impl From<Arc<App>> for Apps {
    fn from(app: Arc<App>) -> Self {
        Self {
            notices: Arc::clone(&app),
            window: app,
        }
    }
}

/// How many use-cases each lane works at once.
#[derive(Clone, Copy, Debug)]
pub struct LaneConfig {
    /// Of the window's lane.
    pub window: usize,
    /// Of the notices' lane.
    pub notices: usize,
    /// Of the papers' lane.
    pub papers: usize,
}

impl LaneConfig {
    /// Threads that all lanes together can hold.
    #[must_use]
    pub const fn threads(&self) -> usize {
        self.window + self.notices + self.papers
    }
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self {
            window: 64,
            notices: 16,
            papers: 2,
        }
    }
}

struct Room {
    app: Arc<App>,
    places: Arc<Semaphore>,
}

/// All lanes of a gateway.
pub struct Lanes {
    window: Room,
    notices: Room,
    papers: Room,
}

/// A place in a lane; given back when dropped.
pub struct Place {
    /// The use-cases of the lane.
    pub app: Arc<App>,
    _permit: OwnedSemaphorePermit,
}

impl Lanes {
    /// Lanes of this size.
    #[must_use]
    pub fn new(apps: Apps, config: LaneConfig) -> Self {
        let room = |app, places| Room {
            app,
            places: Arc::new(Semaphore::new(places)),
        };
        Self {
            papers: room(Arc::clone(&apps.window), config.papers),
            window: room(apps.window, config.window),
            notices: room(apps.notices, config.notices),
        }
    }

    /// The use-cases of every lane.
    #[must_use]
    pub fn apps(&self) -> [&App; 2] {
        [&self.window.app, &self.notices.app]
    }

    /// Waits for a place, not for ever.
    ///
    /// # Errors
    /// `lane-full`, with the time to come again.
    pub async fn enter(&self, lane: Lane) -> Result<Place, Problem> {
        let room = match lane {
            Lane::Window => &self.window,
            Lane::Notices => &self.notices,
            Lane::Papers => &self.papers,
        };
        match timeout(PATIENCE, Arc::clone(&room.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place {
                app: Arc::clone(&room.app),
                _permit: permit,
            }),
            // The semaphore is never closed: only patience ends.
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("ra_lane_full_total", "lane" => lane.name()).increment(1);
                Err(Problem::lane_full(PATIENCE.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_have_a_lane_and_all_else_has_the_windows() {
        for path in [
            "/v1/notices",
            "/v1/notices/{id}/card-channels",
            "/v1/notice-channels/{channel}",
        ] {
            assert_eq!(Lane::of(path), Lane::Notices);
        }
        for path in ["/v1/papers", "/v1/papers/{id}", "/v1/notices/{id}/papers"] {
            assert_eq!(Lane::of(path), Lane::Papers);
        }
        for path in [
            "/v1/applications",
            "/v1/applications/{id}/issue",
            "/v1/revocations",
            "/v1/operator-sessions",
        ] {
            assert_eq!(Lane::of(path), Lane::Window);
        }
    }
}
