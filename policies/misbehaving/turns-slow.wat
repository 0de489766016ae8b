;; Answers its first twenty questions at once, and never the next: a policy that was quick and is so no longer.
(module
  (memory (export "memory") 4)
  ;; What `describe` returns: name, version, hooks, window, labels, parameters, more.
  (data (i32.const 64)
    "\40\01\00\00\0a\00\00\00" ;; name: 10 bytes at 320
    "\80\01\00\00\01\00\00\00" ;; version: 1 byte at 384
    "\02\00\00\00" "\00\00\00\00" ;; hooks, window
    "\08\00\00\00\00\00\00\00" ;; no labels
    "\08\00\00\00\00\00\00\00" ;; no parameters
    "\08\00\00\00\00\00\00\00") ;; no more
  (data (i32.const 320) "turns-slow")
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
  (func $answer (result i32)
    (global.set $top (i32.const 4096))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (loop $again (br_if $again (i32.gt_u (global.get $calls) (i32.const 20))))
    (i32.const 512))
  (func (export "samara:policy/strategy@1.0.0#neighbours") (param $view i32) (result i32) (call $answer))
  (func (export "samara:policy/strategy@1.0.0#offers") (param $view i32) (result i32) (call $answer))
  (func (export "samara:policy/strategy@1.0.0#requests") (param $view i32) (result i32) (call $answer))
  (func (export "samara:policy/strategy@1.0.0#overdue") (param $view i32) (result i32) (call $answer)))
