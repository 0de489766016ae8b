"""One BitTorrent peer on libtorrent-rasterbar, tuned for a LAN. Started by samara-bench.

The argument is one JSON object; see libtorrent.rs. Writes `ready`, waits for a line, joins the swarm,
writes {"event": "complete", ...} and goes on serving until it is killed.
"""
import json
import sys
import time

import libtorrent

description = json.loads(sys.argv[1])
session = libtorrent.session({
    "listen_interfaces": "%s:%d" % (description["address"], description["port"]),
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False,
    "out_enc_policy": 2, "in_enc_policy": 2,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": libtorrent.alert.category_t.status_notification,
    # Everybody may talk to everybody, at once.
    "connections_limit": 400, "connection_speed": 500, "torrent_connect_boost": 255,
    "min_reconnect_time": 1, "max_failcount": 100, "peer_turnover": 0,
    "peer_connect_timeout": 3, "handshake_timeout": 5,
    # Few upload slots, chosen anew often, start the swarm soonest.
    "choking_algorithm": 0, "unchoke_slots_limit": 4, "num_optimistic_unchoke_slots": 1,
    "unchoke_interval": 1, "optimistic_unchoke_interval": 2, "seed_choking_algorithm": 0,
    "mixed_mode_algorithm": 0, "rate_limit_ip_overhead": False,
    # Short queues: on a LAN a request is answered in milliseconds.
    "request_queue_time": 1, "max_out_request_queue": 500, "max_allowed_in_request_queue": 2000,
    "strict_end_game_mode": True,
    "send_buffer_watermark": 512 * 1024, "send_buffer_low_watermark": 16 * 1024,
    "aio_threads": 2, "hashing_threads": 1, "tick_interval": 100,
    "no_atime_storage": True, "auto_manage_prefer_seeds": False,
})
info = libtorrent.torrent_info(description["torrent"])
parameters = {"ti": info, "save_path": description["folder"], "flags":
              libtorrent.torrent_flags.disable_dht | libtorrent.torrent_flags.disable_lsd
              | libtorrent.torrent_flags.disable_pex}
if description["origin"]:
    parameters["flags"] |= libtorrent.torrent_flags.seed_mode
    handle = session.add_torrent(parameters)
    print("ready", flush=True)
    while True:
        time.sleep(60)

print("ready", flush=True)
sys.stdin.readline()
handle = session.add_torrent(parameters)
for address, port in description["peers"]:
    handle.connect_peer((address, port))
while True:
    session.wait_for_alert(1000)
    if any(isinstance(alert, libtorrent.torrent_finished_alert) for alert in session.pop_alerts()):
        break
status = handle.status()
print(json.dumps({
    "event": "complete",
    "wasted_bytes": status.total_redundant_bytes + status.total_failed_bytes,
    "received_bytes": status.total_download, "sent_bytes": status.total_upload,
}), flush=True)
while True:
    time.sleep(60)
