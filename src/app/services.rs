//! The background services of the role's plan, started and ended together.

use crate::commands::Engine;
use crate::commands::engine::Background;
use crate::config::Settings;
use crate::role::BackgroundService;
use crate::store::WriteStore;

use super::databases::Retention;

#[derive(Default)]
pub struct Services {
    /// Ends when dropped.
    retention: Option<Retention>,
    pub commands: Option<Background>,
}

impl Services {
    pub fn start(settings: &Settings, engine: &Engine, writes: Option<&WriteStore>) -> Self {
        let mut services = Self::default();
        for service in settings.role.plan().services {
            match service {
                BackgroundService::Retention => {
                    services.retention = Some(Retention::start(settings, writes));
                }
                BackgroundService::CommandRunner => services.commands = Some(engine.start_background()),
            }
        }
        services
    }

    /// What runs by a schema goes on by another: the new one starts before the old one ends, as two
    /// deployments would, and leases keep them apart.
    pub async fn follow(&mut self, engine: &Engine) {
        if self.commands.is_some()
            && let Some(old) = self.commands.replace(engine.start_background())
        {
            old.stop().await;
        }
    }
}
