"""scripts/install-deps.sh: the folder of npm packages, which `npm ci` empties first."""

import pathlib
import shutil
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
LOCK = '{"lockfileVersion": 3}'


@pytest.fixture
def tree(tmp_path):
    """A tree with a lock file, whose node_modules is a link to `shared`."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "install-deps.sh", tmp_path / "scripts")
    for folder in ("tree/test", "shared"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.move(tmp_path / "scripts", tmp_path / "tree/scripts")
    (tmp_path / "tree/test/package-lock.json").write_text(LOCK)
    (tmp_path / "tree/test/node_modules").symlink_to(tmp_path / "shared")
    (tmp_path / "shared/somebodys").write_text("precious")
    return tmp_path / "tree"


def install_test(tree):
    return subprocess.run(["sh", "scripts/install-deps.sh", "test"], cwd=tree, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def test_a_linked_folder_that_is_out_of_date_is_left_alone(tree):
    done = install_test(tree)
    assert done.returncode != 0 and f"is a link to {tree.parent / 'shared'}" in done.stdout + done.stderr
    assert (tree.parent / "shared/somebodys").read_text() == "precious"


def test_a_linked_folder_that_is_up_to_date_will_do(tree):
    (tree / "test/node_modules/.installed-lock").write_text(LOCK)
    done = install_test(tree)
    assert done.returncode == 0, done.stderr
    assert (tree.parent / "shared/somebodys").exists()
