//! The policies of a running node: activate, go back, look.

use std::sync::PoisonError;

use samara_engine::swarm::{PolicyFacts, SwarmInput};

use crate::node::Node;
use crate::selector::{PolicyError, PolicyMode, PolicyRequest, PolicyStatus};
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

impl Node {
    /// Loads a policy and makes it active, or runs it in shadow. Blocks while it compiles, about 1.5 ms a KiB;
    /// transfers go on with the one before, and lose nothing at the change.
    ///
    /// # Errors
    /// When the file is no policy that this node can run. Whatever was active is active still.
    pub fn activate_policy(&self, request: &PolicyRequest) -> Result<PolicyStatus, PolicyError> {
        self.shared.activate_policy(request)
    }

    /// Goes back to the policy that was active before; it stayed loaded, so this takes no time. Twice goes
    /// forward again.
    ///
    /// # Errors
    /// When none was.
    pub fn roll_back_policy(&self) -> Result<PolicyStatus, PolicyError> {
        self.shared.roll_back_policy()
    }

    /// Takes the policy away that runs in shadow.
    ///
    /// # Errors
    /// When none does.
    pub fn end_shadow_policy(&self) -> Result<PolicyStatus, PolicyError> {
        self.shared.end_shadow_policy()
    }

    /// What is active, what else is loaded, and how each fares.
    pub fn policy_status(&self) -> PolicyStatus {
        self.shared.policies.status()
    }
}

impl crate::shared::Shared {
    /// See [`Node::activate_policy`].
    pub(crate) fn activate_policy(
        &self,
        request: &PolicyRequest,
    ) -> Result<PolicyStatus, PolicyError> {
        self.policies.activate(request)?;
        let what = match request.mode {
            PolicyMode::Active => "activated",
            PolicyMode::Shadow => "shadowed",
        };
        Ok(self.policy_changed(what))
    }

    /// See [`Node::roll_back_policy`].
    pub(crate) fn roll_back_policy(&self) -> Result<PolicyStatus, PolicyError> {
        self.policies.roll_back()?;
        Ok(self.policy_changed("rolled_back"))
    }

    /// See [`Node::end_shadow_policy`].
    pub(crate) fn end_shadow_policy(&self) -> Result<PolicyStatus, PolicyError> {
        self.policies.end_shadow()?;
        Ok(self.policy_changed("shadow_ended"))
    }

    /// Tells every swarm, and the tracker, what the active policy wants. Who misses it finds out by itself.
    pub(crate) fn tell_policy(&self) {
        let facts = self.policies.current().facts.clone();
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        for state in contents.values() {
            let facts = PolicyFacts::clone(&facts);
            state.swarm.tell(SwarmMessage::Input(SwarmInput::PolicyChanged { facts }));
        }
        self.tracker.tell(TrackerMessage::PolicyChanged);
    }

    fn policy_changed(&self, what: &'static str) -> PolicyStatus {
        self.tell_policy();
        self.metrics.policy_changed(what);
        let status = self.policies.status();
        let shadow = status.shadow.as_ref().map(|row| row.policy.name.as_str());
        let active = &status.active.policy;
        tracing::info!(what, active = active.name, id = active.id, shadow, "policy");
        status
    }
}
