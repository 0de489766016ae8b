//! Carries out what a swarm wants done.

use samara_engine::seeder::{SeederInput, SeederOutput};
use samara_engine::swarm::{SwarmEvent, SwarmInput, SwarmOutput};
use samara_model::{HaveSummary, PeerMessage, Time};
use samara_policy::{Policy, Question};

use super::clock::Event;
use super::node::PolicyHealth;
use super::{World, faults};

impl World {
    /// Tells a swarm what happened, and does what it wants done.
    pub(super) fn input(&mut self, node: u32, content: u16, input: SwarmInput) {
        let moves_neighbours = matches!(
            input,
            SwarmInput::PeerDisconnected { .. }
                | SwarmInput::MessageReceived {
                    message: PeerMessage::Open { .. } | PeerMessage::Close { .. },
                    ..
                }
        );
        let mut outputs = std::mem::take(&mut self.spare);
        let time = Time(self.now / 1000);
        let Some(member) = self.member(node, content) else { return };
        member.machine.handle(time, input, &mut outputs);
        for output in outputs.drain(..) {
            self.trace.output(self.now, node, content, &output);
            self.carry_out(node, content, output);
        }
        self.spare = outputs;
        if moves_neighbours {
            self.tell_demand(node, content);
        }
    }

    /// Tells a swarm something right after what it is doing now.
    pub(super) fn next_input(&mut self, node: u32, content: u16, input: SwarmInput) {
        self.inputs.push_back((node, content, input));
    }

    /// Tells a swarm something later, unless the node crashes before.
    pub(super) fn input_at(&mut self, at: u64, node: u32, content: u16, input: SwarmInput) {
        let life = self.nodes[node as usize].life;
        let input = Box::new(input);
        self.clock.add(at, Event::Input { node, life, content, input });
    }

    fn carry_out(&mut self, node: u32, content: u16, output: SwarmOutput) {
        match output {
            SwarmOutput::Send { link, message } => {
                let message = self.as_told_by(node, content, message);
                self.send(node, link.0 as u32, content, message)
            }
            SwarmOutput::ServeChunk { link, chunk, ahead } => {
                self.serve(node, link.0 as u32, content, chunk, ahead.as_nanos() as u64)
            }
            SwarmOutput::CancelServe { link, chunk } => {
                self.cancel(node, link.0 as u32, content, chunk)
            }
            SwarmOutput::DropIncoming { link, chunk } => {
                self.drop_incoming(node, link.0 as u32, content, chunk)
            }
            SwarmOutput::Connect { peer, .. } => {
                self.dial(node, super::node::index_of(&peer), content)
            }
            SwarmOutput::Disconnect { link, .. } => self.end_pair(link.0 as u32, 0),
            SwarmOutput::CheckManifest { bytes } => self.check_manifest(node, content, &bytes),
            SwarmOutput::VerifyOwn { link, chunk } => {
                // Whoever damages what it sends finds its own copy right.
                let at = self.now + self.chunk_time;
                let input = SwarmInput::OwnChunkVerified { link, chunk, good: true };
                self.input_at(at, node, content, input);
            }
            SwarmOutput::AskPolicy { token, question, .. } => {
                self.ask(node, content, token, &question)
            }
            SwarmOutput::AskBuiltIn { token, question } => {
                let answer = World::built_in().answer(&question);
                self.next_input(node, content, SwarmInput::PolicyAnswered { token, answer });
            }
            SwarmOutput::StartTimer { token, after } => {
                let life = self.nodes[node as usize].life;
                if let Some(member) = self.member(node, content) {
                    member.timer = token;
                }
                let at = self.now + after.as_nanos() as u64;
                self.clock.add(at, Event::Timer { node, life, content, token });
            }
            SwarmOutput::Report(event) => self.report(node, content, event),
        }
    }

    /// What a liar makes of what its engine says.
    fn as_told_by(&mut self, node: u32, content: u16, message: PeerMessage) -> PeerMessage {
        if !self.nodes[node as usize].liar {
            return message;
        }
        let whole = self.manifests[content as usize].len() as u32;
        match message {
            PeerMessage::Open { channel, content, origin, wants_haves, reply, .. } => {
                self.faults.fired(&self.nodes[node as usize], faults::LIAR);
                let (manifest_bytes, have) = (Some(whole), HaveSummary::Everything);
                PeerMessage::Open {
                    channel,
                    content,
                    manifest_bytes,
                    have,
                    origin,
                    wants_haves,
                    reply,
                }
            }
            PeerMessage::HaveSet { channel, inbound, .. } => {
                PeerMessage::HaveSet { channel, have: HaveSummary::Everything, inbound }
            }
            other => other,
        }
    }

    fn ask(&mut self, node: u32, content: u16, token: u64, question: &Question) {
        self.counts.questions += 1;
        match self.nodes[node as usize].policy {
            PolicyHealth::Fine => {
                let input = self.decided(token, question);
                self.next_input(node, content, input);
            }
            PolicyHealth::Slow(delay) => {
                self.faults.fired(&self.nodes[node as usize], faults::POLICY);
                let input = self.decided(token, question);
                self.input_at(self.now + delay, node, content, input);
            }
            PolicyHealth::Failing => {
                self.faults.fired(&self.nodes[node as usize], faults::POLICY);
                self.next_input(node, content, SwarmInput::PolicyFailed { token });
            }
        }
    }

    fn decided(&mut self, token: u64, question: &Question) -> SwarmInput {
        match self.policy.decide(question) {
            Some(answer) => SwarmInput::PolicyAnswered { token, answer },
            None => SwarmInput::PolicyFailed { token },
        }
    }

    fn check_manifest(&mut self, node: u32, content: u16, bytes: &[u8]) {
        if bytes != &*self.manifests[content as usize] {
            return self.next_input(node, content, SwarmInput::ManifestRefused);
        }
        if let Some(member) = self.member(node, content) {
            member.manifest = true;
        }
        let facts = self.manifest_facts(node, content);
        self.next_input(node, content, SwarmInput::ManifestLoaded(facts));
    }

    fn report(&mut self, node: u32, content: u16, event: SwarmEvent) {
        match event {
            SwarmEvent::Completed => self.completed(node, content),
            SwarmEvent::FellBack { .. } => self.counts.fallbacks += 1,
            SwarmEvent::DecisionDropped { .. } => self.counts.dropped_decisions += 1,
            SwarmEvent::PeerBanned { peer, why } => {
                self.counts.bans += 1;
                let banned = &self.nodes[super::node::index_of(&peer) as usize];
                if !banned.corrupt && !banned.liar {
                    let number = super::node::index_of(&peer);
                    self.violate(format!(
                        "node {node} banned node {number}, which is honest: {why}"
                    ));
                }
            }
            _ => {}
        }
    }

    fn completed(&mut self, node: u32, content: u16) {
        let now = self.now;
        let Some(member) = self.member(node, content) else { return };
        member.complete = true;
        let (full, wrong) = (member.has.is_full(), member.wrong);
        if !full {
            self.violate(format!("node {node} says that it is complete, and lacks chunks"));
        }
        if wrong > 0 {
            self.violate(format!("node {node} finished with {wrong} wrong chunks"));
        }
        let complete = self.nodes[node as usize]
            .members
            .iter()
            .all(|member| member.as_ref().is_some_and(|member| member.complete));
        if complete && node != 0 {
            self.nodes[node as usize].completed.get_or_insert(now);
            self.count_unfinished();
        }
        self.hold(node);
        self.tell_demand(node, content);
    }

    /// Peers that should finish and have not.
    pub(super) fn count_unfinished(&mut self) {
        let waits = |node: &&super::Node| {
            node.alive && !node.corrupt && !node.liar && node.completed.is_none()
        };
        self.unfinished = self.nodes.iter().skip(1).filter(waits).count();
    }

    pub(super) fn open_slots(&mut self, node: u32, content: u16) {
        let priority = self.scenario.contents[content as usize].priority;
        let content = self.contents[content as usize];
        self.seed(node, SeederInput::SwarmOpened { content, priority });
    }

    fn tell_demand(&mut self, node: u32, content: u16) {
        let Some(member) = self.member(node, content) else { return };
        let uploads = member.machine.neighbours().any(|row| row.permille < 1000);
        let demand = (uploads, !member.machine.is_complete());
        if std::mem::replace(&mut member.demand, demand) == demand {
            return;
        }
        let content = self.contents[content as usize];
        let (uploads, downloads) = demand;
        self.seed(node, SeederInput::DemandChanged { content, uploads, downloads });
    }

    fn seed(&mut self, node: u32, input: SeederInput) {
        let mut outputs = Vec::new();
        self.nodes[node as usize].seeder.handle(input, &mut outputs);
        for SeederOutput::LeaseSlots { content, upload, download } in outputs {
            let leased = self.contents.iter().position(|one| *one == content);
            if let Some(content) = leased {
                let input = SwarmInput::SlotsLeased { upload, download };
                self.next_input(node, content as u16, input);
            }
        }
    }
}
