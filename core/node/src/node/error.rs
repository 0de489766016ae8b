//! How a start and a publication can fail.

use samara_model::ReleaseConflict;
use samara_store::{ImportError, OpenStoreError, PublishError as StorePublishError};

use crate::identity::IdentityError;
use crate::link::BindError;
use crate::selector::PolicyError;

/// The node did not start; nothing is left behind but its data directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// There is no place for a temporary data directory.
    #[error("cannot make a temporary data directory; name one with --data")]
    TemporaryData(#[source] std::io::Error),
    /// The node has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The cluster's name is empty or too long.
    #[error("the cluster id must have 1 to 64 bytes, and `{0}` has not")]
    Cluster(String),
    /// A policy that should be active from the start was not taken.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// It cannot be administered where it should be.
    #[error(
        "cannot listen for administration on {place}: {why}. Stop what uses it, let the node's user \
         write there, or choose another place with `admin.socket` or `admin.listen`"
    )]
    Admin {
        /// A path or an address.
        place: String,
        /// What the system said.
        why: std::io::Error,
    },
    /// The system gives no threads or sockets.
    #[error("cannot start the node's threads")]
    Threads(#[source] std::io::Error),
}

/// A source was not published; what was served before still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be read or hashed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] StorePublishError),
    /// The version exists with another content.
    #[error(transparent)]
    Conflict(#[from] ReleaseConflict),
}
