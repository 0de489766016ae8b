;; Answers what no view has: peers, chunks and transfers that do not exist, in the right form.
(module
  (memory (export "memory") 4)
  ;; What `describe` returns: name, version, hooks, window, labels, parameters, more.
  (data (i32.const 64)
    "\40\01\00\00\08\00\00\00" ;; name: 8 bytes at 320
    "\80\01\00\00\01\00\00\00" ;; version: 1 byte at 384
    "\0f\00\00\00" "\00\00\00\00" ;; hooks, window
    "\08\00\00\00\00\00\00\00" ;; no labels
    "\08\00\00\00\00\00\00\00" ;; no parameters
    "\08\00\00\00\00\00\00\00") ;; no more
  (data (i32.const 320) "nonsense")
  (data (i32.const 384) "1")
  ;; An empty answer of any hook: up to six lists without elements.
  (data (i32.const 512)
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00"
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00")
  ;; A bump allocator that begins anew with every question: only views are allocated.
  (global $top (mut i32) (i32.const 4096))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32)
    (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get $new)))
    (local.get $at))
  (func (export "samara:policy/strategy@1.0.0#describe") (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 64))
  ;; Two rows that do not exist, and columns of 1, 1 and 4294967294.
  (data (i32.const 576) "\fe\ff\ff\ff" "\fd\ff\ff\ff")
  (data (i32.const 592) "\01\00\00\00" "\01\00\00\00")
  ;; offers: peer, push, count, reason, chunks, more
  (data (i32.const 640)
    "\40\02\00\00\02\00\00\00" "\50\02\00\00\02\00\00\00" "\50\02\00\00\02\00\00\00"
    "\08\00\00\00\00\00\00\00" "\40\02\00\00\02\00\00\00" "\08\00\00\00\00\00\00\00")
  ;; requests: peer, chunk, reason, more
  (data (i32.const 704)
    "\40\02\00\00\02\00\00\00" "\40\02\00\00\02\00\00\00" "\08\00\00\00\00\00\00\00"
    "\08\00\00\00\00\00\00\00")
  ;; overdue: transfer, action, other, reason, more
  (data (i32.const 768)
    "\40\02\00\00\02\00\00\00" "\50\02\00\00\02\00\00\00" "\40\02\00\00\02\00\00\00"
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00")
  ;; neighbours: connect, drop, connect-reason, drop-reason, more
  (data (i32.const 832)
    "\40\02\00\00\02\00\00\00" "\40\02\00\00\02\00\00\00" "\08\00\00\00\00\00\00\00"
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00")
  (func (export "samara:policy/strategy@1.0.0#neighbours") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 832))
  (func (export "samara:policy/strategy@1.0.0#offers") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 640))
  (func (export "samara:policy/strategy@1.0.0#requests") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 704))
  (func (export "samara:policy/strategy@1.0.0#overdue") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 768)))
