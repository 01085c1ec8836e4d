"""What bench/bench.py is made of; bench/README.md tells how it is used.

stats      medians, spread, and what paired rounds tell about a ratio; pure
cells      what is measured: one cell a question, with its figures and its target
peers      who is measured: how to start each relay, and what it can't do
processes  processes of ours, bound to processors, awaited, ended
run        one measurement: one peer, one cell, one round
probes     measurements that need no load generator: start, stalled clients
rounds     who runs when, and when it is enough
machine    what the figures hold for: processor, kernel, versions
results    rounds into figures (the JSON)
table      figures into Markdown
plots      figures into SVG, by gnuplot
"""
