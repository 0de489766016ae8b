;; Answers of four million decisions; and for `requests`, 65,536 columns that all show the same 2 KiB, so that
;; a small memory makes 128 MiB for the host.
(module
  (memory (export "memory") 256)
  ;; What `describe` returns: name, version, hooks, window, labels, parameters, more.
  (data (i32.const 64)
    "\40\01\00\00\0b\00\00\00" ;; name: 11 bytes at 320
    "\80\01\00\00\01\00\00\00" ;; version: 1 byte at 384
    "\0f\00\00\00" "\00\00\00\00" ;; hooks, window
    "\08\00\00\00\00\00\00\00" ;; no labels
    "\08\00\00\00\00\00\00\00" ;; no parameters
    "\08\00\00\00\00\00\00\00") ;; no more
  (data (i32.const 320) "huge-answer")
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
  ;; Every list is the 16 MiB of this memory from 4096 on, four million numbers.
  (data (i32.const 640)
    "\00\10\00\00\00\00\3f\00" "\00\10\00\00\00\00\3f\00" "\00\10\00\00\00\00\3f\00"
    "\00\10\00\00\00\00\3f\00" "\00\10\00\00\00\00\3f\00" "\08\00\00\00\00\00\00\00")
  ;; requests: nothing but 65,536 columns at 65536.
  (data (i32.const 704)
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00"
    "\00\00\01\00\00\00\01\00")
  (data (i32.const 832)
    "\00\10\00\00\00\00\3f\00" "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00"
    "\08\00\00\00\00\00\00\00" "\08\00\00\00\00\00\00\00")
  ;; Each column: id 0, 256 values at 2048.
  (func $columns
    (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (i32.store offset=4 (local.get $at) (i32.const 2048))
      (i32.store offset=8 (local.get $at) (i32.const 256))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 851968)))))
  (func (export "samara:policy/strategy@1.0.0#neighbours") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 832))
  (func (export "samara:policy/strategy@1.0.0#offers") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 640))
  (func (export "samara:policy/strategy@1.0.0#requests") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (call $columns)
    (i32.const 704))
  (func (export "samara:policy/strategy@1.0.0#overdue") (param $view i32) (result i32)
    (global.set $top (i32.const 4096))
    (i32.const 640)))
