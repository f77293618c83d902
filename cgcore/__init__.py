"""cgcore fits the physics prior of a coarse-grained protein force field to reference forces, and proves how good the
fit is.

Units and conventions, everywhere in this package:

    length Å, energy kcal/mol, force kcal/mol/Å, angle rad
    frames     R, F (frames, beads, 3); mask (frames, beads), 1 = real bead; real beads are a prefix of a row
    loss       sum over real beads of |F_pred - F_ref|^2, over their number [(kcal/mol/Å)²]
    dihedral   MINUS the IUPAC dihedral (see `cgcore.physics.geometry.dihedral`)
    precision  float64 wherever sums are taken or systems solved, whatever the session (see `cgcore.x64`); data may be
               stored as float32

The main path:

    import cgcore
    data = cgcore.datasets.chignolin()                    # or cgcore.read("data.npz"), cgcore.from_arrays(R, F, mask)
    print(cgcore.inspect(data).report())
    result = cgcore.fit(data, cgcore.default_prior())     # or cgcore.fit("data.npz", cgcore.Prior.read("config.yaml"))
    result.status, result.train_loss, result.certificate.optimality_gap
    print(result.report())
    result.save("out")                                    # fit.json and priors.yaml
    result.plot("out/fit.html")

Names are loaded when they are first used, so that `import cgcore` costs nothing.
"""

from __future__ import annotations

from cgcore.lazy import lazily

TYPE_CHECKING = False  # importing typing takes as long as all else before the command line can see Ctrl-C
if TYPE_CHECKING:
    from cgcore import bases as bases
    from cgcore import datasets as datasets
    from cgcore.config import Config as Config
    from cgcore.config import default_prior as default_prior
    from cgcore.config import load_config as load_config
    from cgcore.data import Dataset as Dataset
    from cgcore.data import from_arrays as from_arrays
    from cgcore.data import read as read
    from cgcore.errors import InputError as InputError
    from cgcore.errors import InputWarning as InputWarning
    from cgcore.evaluation import Ceiling as Ceiling
    from cgcore.evaluation import Evaluation as Evaluation
    from cgcore.evaluation import evaluate as evaluate
    from cgcore.evaluation import noise_ceiling as noise_ceiling
    from cgcore.factor.compress import compress as compress
    from cgcore.factor.factor import Factor as Factor
    from cgcore.factor.factor import merge as merge
    from cgcore.factor.fingerprint import Fingerprint as Fingerprint
    from cgcore.factor_file import load_factor as load_factor
    from cgcore.factor_file import save_factor as save_factor
    from cgcore.fitting.error_bars import ErrorBars as ErrorBars
    from cgcore.fitting.error_bars import error_bars as error_bars
    from cgcore.fitting.fit import fit as fit
    from cgcore.fitting.learning_curve import LearningCurve as LearningCurve
    from cgcore.fitting.learning_curve import learning_curve as learning_curve
    from cgcore.fitting.loss import force_matching_loss as force_matching_loss
    from cgcore.fitting.options import Options as Options
    from cgcore.fitting.result import FitResult as FitResult
    from cgcore.fitting.scan import scan as scan
    from cgcore.inspection import Inspection as Inspection
    from cgcore.inspection import inspect as inspect
    from cgcore.physics.coefficients import Layout as Layout
    from cgcore.physics.coefficients import to_coefficients as to_coefficients
    from cgcore.physics.coefficients import to_params as to_params
    from cgcore.physics.design import design_matrix as design_matrix
    from cgcore.physics.energy import energy as energy
    from cgcore.physics.energy import forces as forces
    from cgcore.physics.energy import term_energies as term_energies
    from cgcore.physics.groups import Groups as Groups
    from cgcore.physics.prior import Prior as Prior
    from cgcore.physics.prior import Weights as Weights
    from cgcore.physics.rows import Rows as Rows
    from cgcore.physics.space import periodic as periodic
    from cgcore.physics.term import Term as Term
    from cgcore.simulation.result import SimulationResult as SimulationResult
    from cgcore.simulation.simulate import simulate as simulate
    from cgcore.solver.lbfgs import Limits as Limits
    from cgcore.solver.lbfgs import minimise as minimise
    from cgcore.solver.solution import Solution as Solution
    from cgcore.solver.status import Status as Status

_HOME = {
    "Ceiling": "cgcore.evaluation",
    "Config": "cgcore.config",
    "Dataset": "cgcore.data",
    "ErrorBars": "cgcore.fitting.error_bars",
    "Evaluation": "cgcore.evaluation",
    "Factor": "cgcore.factor.factor",
    "Fingerprint": "cgcore.factor.fingerprint",
    "FitResult": "cgcore.fitting.result",
    "InputError": "cgcore.errors",
    "InputWarning": "cgcore.errors",
    "Groups": "cgcore.physics.groups",
    "Inspection": "cgcore.inspection",
    "Layout": "cgcore.physics.coefficients",
    "LearningCurve": "cgcore.fitting.learning_curve",
    "Limits": "cgcore.solver.lbfgs",
    "Options": "cgcore.fitting.options",
    "Prior": "cgcore.physics.prior",
    "Rows": "cgcore.physics.rows",
    "SimulationResult": "cgcore.simulation.result",
    "Solution": "cgcore.solver.solution",
    "Status": "cgcore.solver.status",
    "Term": "cgcore.physics.term",
    "Weights": "cgcore.physics.prior",
    "compress": "cgcore.factor.compress",
    "bases": "cgcore.bases",
    "datasets": "cgcore.datasets",
    "default_prior": "cgcore.config",
    "design_matrix": "cgcore.physics.design",
    "energy": "cgcore.physics.energy",
    "error_bars": "cgcore.fitting.error_bars",
    "evaluate": "cgcore.evaluation",
    "fit": "cgcore.fitting.fit",
    "force_matching_loss": "cgcore.fitting.loss",
    "forces": "cgcore.physics.energy",
    "from_arrays": "cgcore.data",
    "inspect": "cgcore.inspection",
    "learning_curve": "cgcore.fitting.learning_curve",
    "load_config": "cgcore.config",
    "load_factor": "cgcore.factor_file",
    "merge": "cgcore.factor.factor",
    "minimise": "cgcore.solver.lbfgs",
    "noise_ceiling": "cgcore.evaluation",
    "periodic": "cgcore.physics.space",
    "read": "cgcore.data",
    "save_factor": "cgcore.factor_file",
    "scan": "cgcore.fitting.scan",
    "simulate": "cgcore.simulation.simulate",
    "term_energies": "cgcore.physics.energy",
    "to_coefficients": "cgcore.physics.coefficients",
    "to_params": "cgcore.physics.coefficients",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
