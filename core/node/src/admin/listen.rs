//! Where requests come in.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener};

use super::router;
use crate::shared::Shared;

/// Serves a loopback address.
pub fn start_tcp(shared: &Arc<Shared>, address: SocketAddr) -> io::Result<()> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let _inside = shared.data_plane.enter();
    let listener = TcpListener::from_std(listener)?;
    let (router, stopping) = (router(shared.clone()), shared.clone());
    shared.data_plane.spawn(async move {
        tokio::select! {
            _ = async { axum::serve(listener, router).await } => {}
            () = stopping.stopped.notified() => {}
        }
    });
    Ok(())
}

/// Serves a Unix socket.
pub fn start_unix(shared: &Arc<Shared>, path: &Path) -> io::Result<()> {
    let _inside = shared.data_plane.enter();
    let listener = listen(path, shared.config.admin.socket_mode)?;
    let (router, stopping, path) = (router(shared.clone()), shared.clone(), path.to_owned());
    shared.data_plane.spawn(async move {
        let stopped = stopping.stopped.notified();
        tokio::select! {
            served = async { axum::serve(listener, router).await } => {
                if let Err(error) = served {
                    tracing::warn!(%error, "the admin socket is closed");
                }
            }
            () = stopped => {}
        }
        // The next start makes its own.
        let _ = std::fs::remove_file(&path);
    });
    Ok(())
}

/// A socket that only those may open who shall, from its first moment: it is made in a folder that nobody else
/// can enter, and moved. What lay there was left by a node that ended hard; a socket that somebody answers is
/// not taken away.
fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let parent = path.parent().unwrap_or(Path::new("."));
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            let why = "something that is no socket has its name";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            let why = "another node answers there";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
    }
    let folder = tempfile::Builder::new().prefix(".a").tempdir_in(parent)?;
    let made: PathBuf = folder.path().join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, Permissions::from_mode(mode))?;
    std::fs::rename(&made, path)?;
    Ok(listener)
}
