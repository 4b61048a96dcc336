"""Where things lie in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
APP = ROOT / "terraform" / "app"
BOOTSTRAP = ROOT / "terraform" / "bootstrap"
IMAGES = ROOT / "images.json"
