// The node's page. It only reads: status and contents come as server-sent events, the rest is asked for about
// every second. Texts of others are set as text, never as markup.
'use strict';

const at = (id) => document.getElementById(id);
const STRETCHES = 200, KEPT = 900;
let chosen = null, contents = [], limits = {}, traffic = new Map();
const curves = new Map();

function make(name, text, attributes) {
  const svg = ['polyline', 'line', 'circle', 'text', 'path', 'title'].includes(name);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  return element;
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return (unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)) + ' ' + units[unit];
}
const rate = (count) => (count > 0 ? bytes(count) + '/s' : '–');
const percent = (part) => (100 * part).toFixed(part > 0 && part < 1 ? 1 : 0) + ' %';
function span(seconds) {
  if (seconds < 60) return Math.round(seconds) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  return Math.floor(seconds / 3600) + ' h ' + Math.floor((seconds % 3600) / 60) + ' min';
}
const nameOf = (one) => one.release || (one.content ? one.content.slice(0, 16) : one.path);
// A fetch has no id while its name is resolved.
const keyOf = (one) => one.content || one.release || one.path;
const doneOf = (one) => (one.size_bytes > 0 ? one.done_bytes / one.size_bytes : (one.state === 'complete' ? 1 : 0));

function row(cells, head) {
  const line = make('tr');
  cells.forEach((cell, place) => {
    const box = make(place === 0 && head ? 'th' : 'td', null, place === 0 && head ? { scope: 'row' } : {});
    box.append(cell instanceof Node ? cell : String(cell));
    line.append(box);
  });
  return line;
}

function bar(part, label) {
  const box = make('span');
  const value = Math.round(part * 1000) / 1000;
  box.append(make('progress', null, { max: 1, value, 'aria-label': label }), ' ' + percent(part));
  return box;
}

function showStatus(status) {
  limits = status.limits;
  showWaiting(status);
  const facts = [
    ['node', status.peer.slice(0, 12)], ['at', status.advertise], ['state', status.state],
    ['up', span(status.uptime_seconds)], ['members', status.members === null ? '–' : status.members],
    ['links', status.links], ['in', rate(status.traffic.received_bytes_per_second)],
    ['out', rate(status.traffic.sent_bytes_per_second)],
    ['free', status.storage.free_bytes === null ? '–' : bytes(status.storage.free_bytes)],
    ['memory', bytes(status.process.resident_bytes)], ['version', status.samara],
  ];
  at('facts').replaceChildren(...facts.map(([name, value]) => {
    const pair = make('div');
    pair.append(make('dt', name), make('dd', value));
    return pair;
  }));
}

// What has waited for too long. How long is told to the minute: said every second, it would be read out each time.
function showWaiting(status) {
  const told = status.waiting.slice(0, 3).map((one) => one.content.slice(0, 64) + ' for '
    + (one.seconds < 60 ? 'half a minute' : span(one.seconds))
    + (one.code === 'unknown-name' ? ' (nobody knows this name)' : ' (nothing comes)'));
  const more = status.waiting_count - told.length;
  const text = told.length > 0 ? 'Waiting: ' + told.join(', ') + (more > 0 ? ' and ' + more + ' more' : '') + '.' : '';
  if (at('waiting').textContent !== text) at('waiting').textContent = text;
}

function showContents(document) {
  contents = document.contents;
  at('no-contents').hidden = contents.length > 0;
  const known = contents.some((one) => keyOf(one) === chosen);
  if (!known) chosen = contents.length > 0 ? keyOf(contents.find((one) => one.state !== 'complete') || contents[0]) : null;
  const focused = document_focus();
  at('contents').replaceChildren(...contents.map((one) => {
    const key = keyOf(one);
    const button = make('button', nameOf(one), { type: 'button', 'data-key': key, 'aria-pressed': key === chosen });
    button.addEventListener('click', () => { chosen = key; showContents({ contents }); ask(); });
    const line = row([button, one.state, bar(doneOf(one), 'done of ' + nameOf(one)), bytes(one.size_bytes),
      rate(one.received_bytes_per_second), rate(one.sent_bytes_per_second), one.neighbours], true);
    if (key === chosen) line.className = 'chosen';
    return line;
  }));
  if (focused) {
    const again = [...at('contents').querySelectorAll('button')].find((one) => one.dataset.key === focused);
    if (again) again.focus();
  }
  contents.forEach(note);
  showOne();
}

// The button that has the focus keeps it when the table is drawn again.
function document_focus() {
  const active = document.activeElement;
  return active && active.dataset ? active.dataset.key : null;
}

function note(one) {
  const key = keyOf(one), now = Date.now() / 1000;
  if (!curves.has(key)) curves.set(key, { began: now, first: doneOf(one), fastest: 0, points: [] });
  const curve = curves.get(key);
  curve.fastest = Math.max(curve.fastest, one.received_bytes_per_second);
  const last = curve.points[curve.points.length - 1];
  if (last && last[1] === 1 && doneOf(one) === 1) return;
  curve.points.push([now - curve.began, doneOf(one)]);
  if (curve.points.length > KEPT) curve.points = curve.points.filter((_, place) => place % 2 === 0);
}

function showOne() {
  const one = contents.find((content) => keyOf(content) === chosen);
  at('one').hidden = !one;
  if (!one) return;
  at('one-title').textContent = nameOf(one) + (one.content ? ' ' + one.content.slice(0, 16) + '…' : '');
  drawCurve(one, curves.get(keyOf(one)));
}

function drawCurve(one, curve) {
  const lineRate = limits.down_bytes_per_second || curve.fastest;
  const left = (1 - curve.first) * one.size_bytes;
  const limit = lineRate > 0 ? left / lineRate : 0;
  const last = curve.points[curve.points.length - 1] || [0, 0];
  const width = Math.max(last[0], limit, 5);
  const place = ([time, part]) => (30 + 360 * time / width).toFixed(1) + ',' + (160 - 145 * part).toFixed(1);
  const lines = [make('line', null, { class: 'axis', x1: 30, y1: 160, x2: 390, y2: 160 }),
    make('line', null, { class: 'axis', x1: 30, y1: 15, x2: 390, y2: 15 }),
    make('text', '100 %', { x: 2, y: 12 }), make('text', '0', { x: 18, y: 164 }),
    make('text', span(width), { x: 350, y: 175 })];
  if (limit > 0) {
    lines.push(make('polyline', null, { class: 'limit', points: place([0, curve.first]) + ' ' + place([limit, 1]) }));
  }
  lines.push(make('polyline', null, { class: 'done', points: curve.points.map(place).join(' ') }));
  at('curve').replaceChildren(...lines);
  const source = limits.down_bytes_per_second ? 'the cap on receiving' : 'the fastest second seen';
  at('curve-text').textContent = percent(doneOf(one)) + ' after ' + span(last[0]) + (limit > 0
    ? '; at ' + rate(lineRate) + ' (' + source + ') all of it takes ' + span(limit) + ', the dashed line.' : '.');
}

function showMap(map) {
  const cells = map.stretches.map((one) => {
    const missing = one.chunks - one.here;
    const kind = missing === 0 ? 'full' : one.least_holders === 0 ? 'lost'
      : one.coming > 0 ? 'coming' : one.here > 0 ? 'part' : '';
    const title = one.here + ' of ' + one.chunks + ' here, at least ' + one.least_holders + ' neighbours';
    return make('span', null, { class: 'cell ' + kind, title });
  });
  at('map').replaceChildren(...cells);
  const lost = map.stretches.filter((one) => one.here < one.chunks && one.least_holders === 0).length;
  const here = map.stretches.reduce((sum, one) => sum + one.here, 0);
  const missing = map.stretches.filter((one) => one.here < one.chunks);
  const least = Math.min(...missing.map((one) => one.least_holders));
  const words = lost > 0
    ? '; in ' + lost + ' of ' + map.stretches.length + ' stretches something is missing that no neighbour has.'
    : missing.length > 0 ? '; of what is missing the rarest is at ' + least + ' neighbours.' : '.';
  at('map-text').textContent = here + ' of ' + map.chunks + ' chunks are here' + words;
}

function showPeers(document, members) {
  const now = Date.now() / 1000, next = new Map();
  members.members.forEach((one) => next.set(one.peer, { now, in: one.received_bytes, out: one.sent_bytes }));
  const speed = (peer, way) => {
    const [before, after] = [traffic.get(peer), next.get(peer)];
    return before && after && after.now > before.now ? Math.max(0, after[way] - before[way]) / (after.now - before.now) : 0;
  };
  const peers = document.peers.map((one) => ({ ...one, in: speed(one.peer, 'in'), out: speed(one.peer, 'out') }));
  traffic = next;
  at('peers').replaceChildren(...peers.map((one) => row([one.address, bar(one.permille / 1000, 'has'), rate(one.in),
    rate(one.out), one.source, span(one.age_seconds) + ' ago'], true)));
  drawSwarm(peers);
}

function drawSwarm(peers) {
  const shown = peers.slice(0, 64), parts = [];
  shown.forEach((one, place) => {
    const angle = 2 * Math.PI * place / Math.max(shown.length, 1) - Math.PI / 2;
    const x = 200 + 165 * Math.cos(angle), y = 130 + 105 * Math.sin(angle);
    const moves = one.in + one.out, live = one.source === 'neighbour';
    parts.push(make('line', null, { class: 'edge' + (live ? ' live' : ''), x1: 200, y1: 130, x2: x, y2: y,
      'stroke-width': live ? Math.min(6, 1 + Math.log10(1 + moves / 1e4)) : 0.5 }));
    const circle = make('circle', null, { class: 'node', cx: x, cy: y, r: 9 });
    circle.append(make('title', one.address + ' has ' + percent(one.permille / 1000)));
    parts.push(circle, make('circle', null, { class: 'part', cx: x, cy: y, r: 8 * Math.sqrt(one.permille / 1000) }));
  });
  parts.push(make('circle', null, { class: 'node me', cx: 200, cy: 130, r: 13 }), make('text', 'here', { x: 189, y: 158 }));
  at('swarm').replaceChildren(...parts);
  const live = peers.filter((one) => one.source === 'neighbour').length;
  const complete = peers.filter((one) => one.permille === 1000).length;
  at('swarm-text').textContent = live + ' live neighbours, ' + (peers.length - live) + ' others known, ' + complete
    + ' have everything. The table below lists them.';
}

function showPolicy(policy) {
  const lines = [];
  const of = (role, one) => {
    const condition = role === 'active' && policy.quarantined ? 'quarantined' : one.condition;
    const hooks = one.hooks.length > 0 ? one.hooks : [{ hook: '–', calls: 0, p99_us: 0, fallbacks: {}, same: 0, differs: 0 }];
    hooks.forEach((hook) => {
      const fallbacks = Object.entries(hook.fallbacks).map(([why, count]) => why + ' ' + count).join(', ');
      const asked = hook.same + hook.differs;
      lines.push(row([role, one.name + ' ' + one.version, condition, hook.hook, hook.calls, hook.p99_us + ' µs',
        fallbacks || '–', asked > 0 ? percent(hook.same / asked) : '–'], true));
    });
  };
  of('active', policy.active);
  if (policy.shadow) of('shadow', policy.shadow);
  at('policy').replaceChildren(...lines);
  at('fault').textContent = policy.active.last_fault ? 'Last fault: it ' + policy.active.last_fault : '';
}

function showReasons(map) {
  at('reasons-table').hidden = map.decisions.length === 0;
  at('reasons').replaceChildren(...map.decisions.map((one) =>
    row([one.hook, one.code === null ? 'others' : one.code, one.count], true)));
}

function showWhy(why) {
  const reasons = why.reasons.filter((one) => one.code !== 'moving');
  const text = reasons.map((one) => one.text + ' ' + one.remedy).join(' ');
  // Said again, it would be read out again.
  if (at('why').textContent !== text) at('why').textContent = text;
  at('why').className = 'bad';
}

function showNotice(notice) {
  const line = make('li');
  line.append(make('time', new Date().toLocaleTimeString()), ' ' + notice.text);
  at('notices').prepend(line);
  while (at('notices').children.length > 50) at('notices').lastChild.remove();
}

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path + ': ' + answer.status);
  return answer.json();
}

async function ask() {
  try {
    showPolicy(await read('/v1/policy'));
    const one = contents.find((content) => keyOf(content) === chosen);
    if (!one) return;
    const path = '/v1/contents/' + encodeURIComponent(one.content || one.release);
    // What is not known yet is shown as nothing, not as what was shown before.
    const [map, peers, members, why] = await Promise.all([
      read(path + '/map?stretches=' + STRETCHES).catch(() => ({ chunks: 0, stretches: [], decisions: [] })),
      read(path + '/peers').catch(() => ({ peers: [] })), read('/v1/peers'),
      read(path + '/why').catch(() => ({ reasons: [] }))]);
    if (chosen !== keyOf(one)) return;
    showMap(map);
    showReasons(map);
    showPeers(peers, members);
    showWhy(why);
  } catch (error) {
    // The stream of events says when the node is gone; the next round asks again.
    console.debug(error);
  }
}

// The contents after a change: rows in place where they were, new ones at the end.
function merged(changes) {
  const changed = new Map(changes.changed.map((one) => [keyOf(one), one]));
  const gone = new Set(changes.gone);
  const kept = contents.filter((one) => !gone.has(keyOf(one))).map((one) => {
    const now = changed.get(keyOf(one));
    changed.delete(keyOf(one));
    return now || one;
  });
  return [...kept, ...changed.values()];
}

function follow() {
  const events = new EventSource('/v1/events');
  const state = (text, lost) => { at('link').textContent = text; at('link').className = lost ? 'lost' : ''; };
  events.addEventListener('open', () => state('live', false));
  events.addEventListener('error', () => state('the node does not answer; trying again', true));
  events.addEventListener('status', (event) => showStatus(JSON.parse(event.data)));
  events.addEventListener('contents', (event) => showContents(JSON.parse(event.data)));
  events.addEventListener('changes', (event) => showContents({ contents: merged(JSON.parse(event.data)) }));
  events.addEventListener('notice', (event) => showNotice(JSON.parse(event.data)));
}

follow();
setInterval(() => { ask(); contents.forEach(note); showOne(); }, 1000);
