"""Architecture search. Start at `search`, then `plan`, then `core.loop`.

search          `gl.search`: from its arguments to its result
plan            `SearchPlan`: a search with everything checked
core            space, history, outcome, strategy, objective and the one loop: no Optuna, no disk
optuna          the history as an Optuna study: on disk, in a database, shared by processes; samplers as strategies
workers         the other processes of a search
strategies, spaces, proxies, tables, oneshot.supernets    one file each, found by name: `registry`
settings_space  spaces of a model's settings
objectives      what is optimised of networks
surrogates, oneshot  what strategies have in common
results         what a search came to; simulated searches
"""
