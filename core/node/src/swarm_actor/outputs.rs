//! Carries out what the machine wants: messages, chunks, connections, work, questions, timers.

use std::net::SocketAddr;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler};
use samara_engine::swarm::{LinkKey, SwarmInput, SwarmOutput};
use samara_model::{ChunkIndex, PeerId, PeerMessage, Time};
use samara_policy::Question;

use super::{ASK_AGAIN, Swarm, SwarmMessage};
use crate::api::{Caps, FetchPhase};
use crate::chunk_store_actor::{ChunkStoreMessage, Order, Work};
use crate::link::{CloseReason, LinkCommand};
use crate::selector::Asker;
use crate::selector_actor::SelectorMessage;

impl Swarm {
    pub(super) fn carry_out(&mut self, output: SwarmOutput, ctx: &mut Context<Self>) {
        match output {
            SwarmOutput::Send { link, message } => self.send(link, message),
            SwarmOutput::ServeChunk { link, chunk, ahead } => self.serve(link, chunk, ahead, ctx),
            SwarmOutput::CancelServe { link, chunk } => {
                self.command(link, LinkCommand::CancelServe { content: self.state.content, chunk })
            }
            SwarmOutput::DropIncoming { link, chunk } => {
                self.command(link, LinkCommand::DropIncoming { content: self.state.content, chunk })
            }
            SwarmOutput::Connect { peer, address } => self.connect(peer, address),
            SwarmOutput::Disconnect { link, why } => {
                self.command(link, LinkCommand::Close(CloseReason::Local(why.to_string())))
            }
            SwarmOutput::CheckManifest { bytes } => {
                self.state.set_phase(FetchPhase::Checking);
                self.order(Work::Prepare(Some(bytes.into())))
            }
            SwarmOutput::VerifyOwn { link, chunk } => self.order(Work::Verify { link, chunk }),
            SwarmOutput::AskPolicy { token, question, deadline } => {
                let (asker, question) =
                    (Asker::Swarm(self.state.content), self.with_caps(question));
                self.ask(SelectorMessage::Ask { asker, token, question, deadline }, token, ctx)
            }
            SwarmOutput::AskBuiltIn { token, question } => {
                let (content, question) = (self.state.content, self.with_caps(question));
                self.ask(SelectorMessage::AskBuiltIn { content, token, question }, token, ctx)
            }
            SwarmOutput::StartTimer { token, after } => self.start_timer(token, after, ctx),
            SwarmOutput::Report(event) => self.report(event),
        }
    }

    fn send(&self, link: LinkKey, message: PeerMessage) {
        self.command(link, LinkCommand::Send { content: Some(self.state.content), message });
    }

    /// A closed link needs no answer: its `Disconnected` is on the way.
    fn command(&self, link: LinkKey, command: LinkCommand) {
        if let Some(handle) = self.links.get(&link) {
            let _ = handle.command(command);
        }
    }

    fn serve(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        ahead: Duration,
        ctx: &mut Context<Self>,
    ) {
        let Some(content) = self.state.stored().filter(|stored| !stored.is_withdrawn()) else {
            ctx.notify_later(Later(SwarmInput::ServeFailed { link, chunk }), Duration::ZERO);
            return;
        };
        self.command(link, LinkCommand::Serve { content, chunk, ahead });
    }

    fn connect(&self, peer: PeerId, address: SocketAddr) {
        let (shared, swarm) = (self.shared.clone(), self.state.swarm.clone());
        self.shared.data_plane.spawn(async move {
            let Some(links) = shared.links() else { return };
            let dialled = links.dial(address, Some(peer)).await;
            match dialled {
                Ok(handle) => {
                    swarm.deliver(SwarmMessage::Connected { handle, resumed: false }).await;
                }
                Err(error) => {
                    tracing::debug!(peer = %peer.short(), %address, %error, "no connection");
                    swarm.deliver(SwarmMessage::Input(SwarmInput::ConnectFailed { peer })).await;
                }
            }
        });
    }

    /// Gives slow work to the store; again in a moment when that is down.
    pub(super) fn order(&self, work: Work) {
        let order = Order::new(self.state.clone(), work);
        // An order that is not taken is dropped, and comes back as lost.
        if !self.shared.chunk_store.tell(ChunkStoreMessage::Work(order)) {
            tracing::debug!(content = %self.state.content, "the chunk store is down");
        }
    }

    /// A policy sees the caps as they are now, whatever they were when the machine was made.
    fn with_caps(&self, mut question: Box<Question>) -> Box<Question> {
        tell_caps(&mut question, self.shared.limits().all);
        question
    }

    fn ask(&mut self, message: SelectorMessage, token: u64, ctx: &mut Context<Self>) {
        if !self.shared.selector.tell(message) {
            ctx.notify_later(Later(SwarmInput::PolicyFailed { token }), ASK_AGAIN);
        }
    }

    fn start_timer(&mut self, token: u64, after: Duration, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let after = with_others(self.shared.clock.now(), after);
        self.timer = Some(ctx.run_later(after, move |swarm, ctx| {
            swarm.timer = None;
            // What a full mailbox did not take is made up for here.
            if swarm.ends(ctx) {
                return;
            }
            swarm.follow_policy(ctx);
            swarm.input(SwarmInput::TimerFired { token }, ctx);
        }));
    }
}

fn tell_caps(question: &mut Question, caps: Caps) {
    let me = match question {
        Question::Neighbours(view) => &mut view.me,
        Question::Offers(view) => &mut view.me,
        Question::Requests(view) => &mut view.me,
        Question::Overdue(view) => &mut view.me,
    };
    me.upload_cap = caps.up.map_or(0, |rate| rate.0);
    me.download_cap = caps.down.map_or(0, |rate| rate.0);
}

/// Timers that are in no hurry fire together, at whole seconds: to wake the thread costs more than what is done then.
fn with_others(now: Time, after: Duration) -> Duration {
    let second = Duration::from_secs(1);
    if after < second {
        return after;
    }
    let due = Duration::from_micros(now.0) + after;
    let beyond = Duration::from_nanos(u64::from(due.subsec_nanos()));
    if beyond.is_zero() { after } else { after + second - beyond }
}

/// An input that the actor gives itself.
struct Later(SwarmInput);

impl actix::Message for Later {
    type Result = ();
}

impl Handler<Later> for Swarm {
    type Result = ();

    fn handle(&mut self, later: Later, ctx: &mut Context<Self>) {
        self.input(later.0, ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_sees_the_caps_of_now() {
        let mut question = Question::Offers(samara_policy::OffersView::default());
        let rate = |bytes| Some(samara_model::BytesPerSecond(bytes));
        for (up, down, seen) in [(rate(5), rate(7), (5, 7)), (None, rate(9), (0, 9))] {
            tell_caps(&mut question, Caps { up, down });
            let Question::Offers(view) = &question else { unreachable!("it stays what it is") };
            assert_eq!((view.me.upload_cap, view.me.download_cap), seen);
        }
    }

    #[test]
    fn timers_without_hurry_fire_at_whole_seconds_and_never_early() {
        let ms = Duration::from_millis;
        let at = |now_ms: u64, after| with_others(Time(now_ms * 1000), after);
        assert_eq!(at(300, ms(999)), ms(999));
        assert_eq!(at(300, ms(5000)), ms(5700));
        assert_eq!(at(1000, ms(5000)), ms(5000));
        assert_eq!(at(999, ms(1000)), ms(1001));
    }
}
