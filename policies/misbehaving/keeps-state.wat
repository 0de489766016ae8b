;; Counts its calls and answers by the count: asked the same twice, it answers differently, and a fresh instance
;; differs from a used one. `samara policy check` refuses it.
(module
  (memory (export "memory") 4)
  ;; What `describe` returns: name, version, hooks, window, labels, parameters, more.
  (data (i32.const 64)
    "\40\01\00\00\0b\00\00\00" ;; name: 11 bytes at 320
    "\80\01\00\00\01\00\00\00" ;; version: 1 byte at 384
    "\02\00\00\00" "\00\00\00\00" ;; hooks, window
    "\08\00\00\00\00\00\00\00" ;; no labels
    "\08\00\00\00\00\00\00\00" ;; no parameters
    "\08\00\00\00\00\00\00\00") ;; no more
  (data (i32.const 320) "keeps-state")
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
  (global $calls (mut i32) (i32.const 0))
  ;; One row (peer 0) in every second call. The columns are at 576 (zeros) and 580 (a one); `requests` reads the
  ;; first lists of the same record: peer, chunk, reason, more.
  (data (i32.const 580) "\01\00\00\00")
  (data (i32.const 640)
    "\40\02\00\00\01\00\00\00" "\40\02\00\00\01\00\00\00" "\44\02\00\00\01\00\00\00"
    "\08\00\00\00\00\00\00\00" "\40\02\00\00\01\00\00\00" "\08\00\00\00\00\00\00\00")
  (func $answer (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (select (i32.const 640) (i32.const 512) (i32.and (global.get $calls) (i32.const 1))))
  (func (export "samara:policy/strategy@1.0.0#neighbours") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 512))
  (func (export "samara:policy/strategy@1.0.0#offers") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (call $answer))
  (func (export "samara:policy/strategy@1.0.0#requests") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (call $answer))
  (func (export "samara:policy/strategy@1.0.0#overdue") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 512)))
