use crate::board::{Board, Row, row};
use crate::panel::Look::Table;
use crate::panel::panel;

/// A place for rollouts, which are not there yet; until then, what a rollout by hand has reached.
pub fn board() -> Board {
    let note = "There are no rollouts yet: nobody decides when a content is switched on. Their metrics come with \
                them. Until then this shows how far a distribution by hand is.";
    let reached = vec![
        panel(Table, "Nodes by state", "short", "Contents by what the nodes do with them.")
            .show("sum by (state) (samara_transfers{$S}) > 0", ""),
        panel(
            Table,
            "Nodes by version",
            "short",
            "Versions of Samara, and of the contract with policies.",
        )
        .show("sum by (version, contract) (samara_build_info{$S})", ""),
    ];
    Board {
        uid: "samara-rollouts",
        title: "Samara: rollouts",
        description: "A place for rollouts.",
        rows: vec![
            Row { title: "Which wave?", panels: Vec::new(), note: Some(note) },
            row("How far is it?", reached),
        ],
    }
}
