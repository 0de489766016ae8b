;; Has the right name and none of the functions.
(component
  (instance $strategy)
  (export "samara:policy/strategy@1.0.0" (instance $strategy)))
