#!/usr/bin/env bash
# Eight workers of the sweep on a SLURM cluster. From the repository's root, after `make book` and enqueue.py:
#     sbatch bench/odyssey/slurm.sh /shared/folder/sweep.journal
# All nodes see that folder and the repository. A worker ends when no configuration is left; one that is killed or put
# back into the queue costs nothing but its last trial's time.
#SBATCH --job-name=odyssey
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --output=odyssey-%A-%a.txt
set -euo pipefail
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec .venv/bin/python bench/odyssey/worker.py --storage "${1:?the journal that enqueue.py has filled}"
