"""Molecules and proteins to classify: MUTAG, PTC, ENZYMES and PROTEINS. Morris et al., GRL+ at ICML 2020; as MATLAB
arrays of Balcilar et al., ICML 2021, with the ten folds of Zhang et al., AAAI 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.data.text import read_integers

REPOSITORY = "https://raw.githubusercontent.com/balcilar/gnn-matlang/8468dbd6cf70effe0395e821246919dba2cc530d/dataset"

NUM_FOLDS = 10

SHA256 = {
    "mutag": (
        "e81d667ed9daa1b06c45f1612ce4e17c61c3333c8d8b21baa9e15ab08efc8581",
        "da633d26f446935bda6f5a39f9514bccd61dcec6b075db144b57a8c69af2fd37",
        "52a082efad97dbff2220023632ef36009025489cad04ee40d027758cdc2525c4",
        "0861615be75fa68daa74bfe69e57d495cc9859e80de2756636f86211c08a3aff",
        "356bc8b8d00c2da11596ac0589981fcefec6cc2a888c015d9e35f17001e16b20",
        "cb3b2b32f16fcfc99e79cbdae4e6360a0d460defc2f780893fbf7396c874f2bd",
        "f485c4e7341e78d08a8450e61861c53406ef7beb86ae2dac16062cf8214eb448",
        "ad01c53fbf91eca446ac3e5d7e8ad29691740c145bed9012214de164b7a02724",
        "7b8db256fafc179a2bd3c4a7114f0ae3905dd13fb318f34f3281a5a5066161c0",
        "ab40dbb568a93e39bebf8fa89277819b6f38a661803eb8a11532e456e92de171",
        "992858c1122d9f9e99c4fe975742632bbcc4dc9cc651c6513c4accf526fbb4b7",
        "d1ac82ffa71e308f7f51d6d3c85b55416bab8d6f7b17924789df47b4cc49b50b",
        "eaf2e57b545766e558dd393ee428ac1561bcc07a42908eb8644835ccb4bc3062",
        "3953aaa0e6014c89da6b9129814dd51878ea56cac4ae289bde237b3b6995ef97",
        "eda25cebd772a6935d4b780a4f58d8aa947df43c14463a6ed0aeb2e555462f5c",
        "b618772fdadd92036433124b1be6557bceaa5e489ab5f6638861c741f601ba7b",
        "9da7a48b329f17c16bc15939bafb14bababde6d948aff83583e32cdb1dc2c4d6",
        "fc6ed9cdf7e589ed9a1e397c5d28b56d396c2f7e38bbe7c713202becd883c5e8",
        "274119935ba895fa3d8829a463243800c1982704f9f179bb4ef290af1019c092",
        "faf1898c1e11d8fa82737f63d3b52f801ec1a1c1001d450cc29ec1fa74719fe6",
        "adaf574e4804a4c6849a8213121b1a18bd45101a1ca2e83e90b2c0917abee5df",
    ),
    "ptc": (
        "2ce910b0d6d3862de62b07c7c0a64616df364e66820ffa4a7e4f56bf48098812",
        "c38c204017787e0afec3e018a39b6b4ed0188b9e2fb1b8d2997b5b1ebc780739",
        "e0bf6d8dde6e3875543ecd182c6523e0cc5f265bd7dd0c145c230639448c3eda",
        "a8f8bdaba39543331f1d5fe3e137a40f30e8ec4d9425722c449f8ade8fdccbf1",
        "87a75dd0aa283b01e44e508f7021782b1377a5fec6ff75d8bb11b185147b5a87",
        "c4ae8740f8a5b3c0e067448cab414c2d0533115b153b3aa069b8fc17bfaf6703",
        "cba9d9214de24607b05de18ed0cd8af504d382cd019311c16a89bfb749dbf7f4",
        "345582423b44265a15fc6cf0c72f6f326cbadf03d515fb3ee726417124ee1f23",
        "d350edd63db050f97f105c923975aca9e229bd8c3fcce7f1b2cc466fb7e7bdfe",
        "a404538f820f5759300be5ca046da4c07e469153d751a372e10f56094645df32",
        "1c875c76259e19e4738ac8b9830f2a0e3c5c61d56aa11fe7dbec2ad2659d36c4",
        "ca92530a2958a69436eaa1140a6764d1a26bae9180663fc26f97dd45788069cf",
        "d5522e562260bc2f1c4df0237cff04df6a78ef57ee69bf484d6ea7336b14ddff",
        "1e2ad3e182a40c40da39714f3817e3e759687f4fa8c8e2b52ee5b410a28b0217",
        "d082e7e75f592047942a35412c5c7e1c017a6a9a5c6953792ca47fd98bf664ac",
        "71a79c7613b08ab775779b86555114983235c747a1487f610219093603e4818a",
        "39dec1e744884fdea30204bfbbbcc4e024a822cb2f24c4dbafdcc647313b4d39",
        "f5e85c7a8a8ab3b42e0d7427ccc9fa9505bd5cb62c9232f06c6e4e0955e3a655",
        "a2f3130eb330895b6f1f4afff37e512fbb7672e8cf52966b34e2048495dd8167",
        "bcfc1771a791e35219577586284a6f60a7eda5b0989da9a4df6d0c47ae2b4103",
        "972b4a4ebcb1e72836f58ac28de8243e22c5c986e466683330fe8b2a4bdb1e23",
    ),
    "enzymes": (
        "8ffa2a3f3dbbc4b99fd670e1de2c27e8ec24eb9d1606a01652a8447814648e86",
        "b6053a528a870d61da5c60ecb4869407762afd5b30d494b0da666618873a80e2",
        "2f1b026dfd285a473d7d9c0bc52781fcac5b651ebd4f1c11754a1f82ebe0f491",
        "c4c34967aa68273ff5c18bf1418f4d71bdc8c20f97ec397c8d5a76ae96e4b6ed",
        "ecf90d492f49907577445a8f8683a962b4ca0fed0048e9ca09abeec71b5dd13b",
        "a413b4debc6a3f725f3770b589d0c8855f0ee204373148ab20d133cab4cb5c2b",
        "94d40cea59dd2c259b367022a6b89a912e96be90e08113b2d4bf1768eef3a3e3",
        "da84dd4ef3e87248a6d3bab6a66176727c068c6411d154ca40992618a76293f5",
        "918a4d56648ea3472d016c23242f5311329f7388cf925d925b87545047d25a65",
        "0a213f57761cc4d6d73da5278c4d96a65aa365ff15c8ca1756d3790b995fa63c",
        "da21355a2770ce8869de6f0bd4c142e2ba7d0f1dd8b63566217e233f1ec4af52",
        "508b89efa78e952ec16527d93546e98ecd2493dc1c91044a4bd1c02ceac333cf",
        "b6d478ca787bf46737dfa853e1ef1d6b1482c8fe6dae64c351af0b0a3dbe5286",
        "047cbe8011ac6619ff5dd3b03eceea31600a56643870c44999425c9fab9d86bb",
        "ec587e4edc8f003feb686a838ae8d4533e5787bf0a54450950387f6ccb1f0b25",
        "20f9a7031683660ff6ee5605782bb4d234ea2cb0c91d4408d0fd9c9b2cc180e3",
        "19d7a36d62ae796f6b9f765f439b1ed85ac47d10e6f405c2dfd7701a38707f2a",
        "5f5bc979d0c7493b30dd689060487886537737f0c4543be1e206aef34573eb5f",
        "ebd4d3f092410252c726b17747a419465ada26353307215b20d8c380dc848b3a",
        "b756f8876d6ccb0fd98246b6dece1b64a172219ea22a89c036faabdd9d4cd3f6",
        "b4197340673e323b0d2324188bbaae08dbe500b262c6300d22159641d34b862d",
    ),
    "proteins": (
        "284e1ad67264ddf080f0e724af3aa971b2ced6c3758c35364556caac2af0ae05",
        "c5c6f1acc9c51c6c5feb972b4612056ef6cdad2527d3819e35c423bf51e43fdf",
        "41c02c84ef8cba8a781b32f51c6622c2a5ea6c6911a3c3232a4707b8c1bf0ec9",
        "8c280383e1fe74da5ccbc987fec9fc561b4e13b86c4a4c06215447539b024986",
        "d2886161063807351509512948351a5ecaa549fb7074ce89c42b72ad7d5db035",
        "cf04b76b37f51076e105fd57d56a421cabcad3b4e6984fa775b859964e046ead",
        "3c85ff214e3d208396e706281304e5eee5ddb7f95ac3a10e37785c68a564c979",
        "aee2276c086a8cd90ed2ba58b12c371d7e7bfd6833a0f2d6dcfe16722d8b01d4",
        "f0e6908b9b56aa830da2588c5617a427e66c60e6477fef56c17b41b52f9f4e8c",
        "42f76451ed8a73181d83eef1a7b94f0b40a1130144f6568330a29fa5b061bb4b",
        "80661f7ae120fddfaed17bdd9a73195f3fadbd6849b8534662aeb2b7b86efe32",
        "910178e3128a821ee4ffe9ae159e4ad3ba8b467c23f066e57cd5186e667dd724",
        "3a2be0743b8148b37dcfe627f364e97da595b4efc50424ec295ee572be3d85cd",
        "d0bdc850d13dd7056544d230866d716c9e6a68b02ac20fa67508b25f5e63383e",
        "b1006f84c83fa23249d3d7dfe97ca82d341fb8051c322934665164364403312f",
        "e35f43f477d509ffd7c7b392e9db2ba4d899c3f5a9de358cf95cea69690cc285",
        "098735673ba5d542e6b96e026015455f27b9e2deeed765b1b4a977fd8f95bcef",
        "791d579eed34a2fec0a307e2cb6a97d9611cd89bf47ee23114ff1c2e819ea8ee",
        "376c4d7ca5df6d72d5bfe7afe37b7004dd94ff828842ebedfd1080012e36cce7",
        "3852bb5a7043a131ab01a83f9776ff598a75bee60f392f2696b579214bad1c35",
        "b274252b1e25f07be0b20171b15e7c813c06cb8060bd1a0b1898d86fb748a8c2",
    ),
}
"""By data set: the graphs, then the training and test graphs of each fold."""

COUNTS = {
    "mutag": (188, 3371, 7442, 2, (152, 18, 18)),
    "ptc": (344, 8792, 17862, 2, (276, 34, 34)),
    "enzymes": (600, 19580, 74564, 6, (480, 60, 60)),
    "proteins": (1113, 43471, 162088, 2, (891, 111, 111)),
}
"""Graphs, nodes, edges, classes, and the graphs of each part."""

LABELS = {"mutag": 7, "ptc": 19, "enzymes": 3, "proteins": 3}
"""Categories of nodes, the first columns of F; those after them are measurements, which are left out."""

CLASSES = {
    "mutag": ("not mutagenic", "mutagenic"),
    "ptc": ("not carcinogenic", "carcinogenic"),
    "enzymes": tuple(f"EC {k}" for k in range(1, 7)),
    "proteins": ("enzyme", "no enzyme"),
}


def _sources(variant: str) -> tuple[Source, ...]:
    published = "PTC" if variant == "ptc" else variant
    folds = [f"10fold_idx/{part}_idx-{k}.txt" for k in range(1, NUM_FOLDS + 1) for part in ("train", "test")]
    return tuple(
        Source(f"tu/{variant}/{name}", sha256, url=f"{REPOSITORY}/{published}/raw/{name}")
        for name, sha256 in zip([f"{variant}.mat", *folds], SHA256[variant], strict=True)
    )


KEYS = ("num_graphs", "num_nodes", "num_edges", "num_outputs")

CARD = Card(
    family="tu",
    title="Molecules and proteins of the TU collection",
    task="graph-prediction",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="morris2020",
        title="TUDataset: A Collection of Benchmark Datasets for Learning with Graphs",
        authors=(
            "Morris, Christopher and Kriege, Nils M. and Bause, Franka and Kersting, Kristian and Mutzel, Petra and "
            "Neumann, Marion"
        ),
        venue="GRL+ at ICML",
        year=2020,
        url="https://arxiv.org/abs/2007.08663",
    ),
    variants=tuple(COUNTS),
    splits=("ten-fold",),
    sources={variant: _sources(variant) for variant in COUNTS},
    statistics={
        variant: {
            **dict(zip(KEYS, counts, strict=True)),
            "num_features": 1,
            **dict(zip(("num_train", "num_validation", "num_test"), parts, strict=True)),
        }
        for variant, (*counts, parts) in COUNTS.items()
    },
    notes=(
        "ten-fold: split k tests the published fold k, validates on the next fold and trains on the rest; seed k gets "
        "split k mod 10. Much of the literature selects the epoch on the test fold itself and reports the best mean "
        "accuracy over folds, which is higher and not comparable. The published test folds are of equal size and leave "
        "8 graphs of MUTAG, 4 of PTC and 3 of PROTEINS to training alone. Nodes carry their category (atom or "
        "secondary structure); measurements of ENZYMES and PROTEINS and bond types of MUTAG are left out."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    matrices, *folds = (files.path(source.path) for source in CARD.sources[variant])
    tests = [_ids(path, COUNTS[variant][0]) for path in folds[1::2]]
    trains = [_ids(path, COUNTS[variant][0]) for path in folds[0::2]]
    splits = tuple(_fold(k, trains, tests, folds[2 * k]) for k in range(NUM_FOLDS))
    return Dataset(
        name=f"tu/{variant}",
        task=CARD.task,
        graphs=read_graphs(matrices, variant),
        splits=Splits(split, fixed=splits),
        spec=DataSpec(
            "graphs", (Target("y", "graph", "class", len(CLASSES[variant])),), node=Categorical((LABELS[variant],))
        ),
        card=CARD,
        labels={"classes": CLASSES[variant]},
    )


def read_graphs(path: Path, variant: str) -> tuple[Data, ...]:
    """Graphs of a MATLAB file: cells A of adjacencies `[n, n]` and F of node rows `[n, d]`, and a vector Y of classes.

    Raises DataError where the file is cut short or holds anything but numbers, or graphs that are not simple.
    """
    try:
        arrays = {key.upper(): value for key, value in loadmat(path).items() if not key.startswith("__")}
        adjacencies, features = arrays["A"].ravel(), arrays["F"].ravel()
        classes, targets = np.unique(arrays["Y"].ravel(), return_inverse=True)
        if not len(adjacencies) == len(features) == len(targets) == COUNTS[variant][0]:
            raise ValueError("it has another number of graphs")
        if len(classes) != len(CLASSES[variant]):
            raise ValueError("it has another number of classes")
        return tuple(map(_graph, adjacencies, features, targets.tolist(), [LABELS[variant]] * len(targets)))
    except Exception as error:  # a damaged file can fail in any way
        raise DataError(
            f"{path} does not hold the graphs of {variant}: {error or type(error).__name__}",
            hint="replace it by the file as published",
        ) from None


def _graph(adjacency: Any, features: Any, target: int, num_labels: int) -> Data:
    if adjacency.dtype.kind not in "biuf" or features.dtype.kind not in "biuf":
        raise ValueError("a cell holds no numbers")
    linked, one_hot = adjacency > 0, features[:, :num_labels]
    if not np.array_equal(linked, linked.T) or linked.diagonal().any():
        raise ValueError("a graph is not simple and undirected")
    if len(one_hot) != len(linked) or not np.array_equal(np.sort(one_hot), np.eye(num_labels)[[-1] * len(linked)]):
        raise ValueError("nodes are not of one category each")
    return Data(
        x=torch.from_numpy(one_hot.argmax(axis=1).astype(np.int64))[:, None],
        edge_index=torch.from_numpy(np.stack(np.nonzero(linked))),
        y=torch.tensor([target]),
        num_nodes=len(linked),
    )


def _ids(path: Path, num_graphs: int) -> torch.Tensor:
    ids = sorted(set(read_integers(path)))
    if not 0 <= ids[0] <= ids[-1] < num_graphs:
        raise DataError(f"{path} does not list graphs", hint="replace it by the file as published")
    return torch.tensor(ids)


def _fold(k: int, trains: list[torch.Tensor], tests: list[torch.Tensor], path: Path) -> Split:
    """Test on fold k, validate on the next, train on what is left of the training graphs of fold k."""
    validation = tests[(k + 1) % NUM_FOLDS]
    if torch.isin(tests[k], trains[k]).any() or not torch.isin(validation, trains[k]).all():
        raise DataError(f"{path} does not fit the other folds", hint="replace them by the files as published")
    return Split(trains[k][~torch.isin(trains[k], validation)], validation, tests[k])
