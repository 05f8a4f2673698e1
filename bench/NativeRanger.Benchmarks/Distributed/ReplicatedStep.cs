using System.Runtime.InteropServices;
using NativeRanger.Mpi;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>What sharded steps are compared with: the MPI library sums all gradients on every rank, and every rank steps everything.</summary>
internal sealed unsafe class ReplicatedStep : IDisposable
{
    private readonly Communicator world;
    private readonly MessageBatch batch;
    private readonly Stepper<float> stepper;
    private readonly float[][] gradients;
    private readonly float[][] sums;
    private readonly long[] counts;
    private readonly long[] bytes;
    private readonly long[] offsets;

    /// <summary>Steps of several parameters.</summary>
    /// <param name="world">The ranks.</param>
    /// <param name="recipe">What steps them.</param>
    /// <param name="parameters">The parameters, all of one length, which the ranks divide.</param>
    /// <param name="gradients">This rank's gradients.</param>
    public ReplicatedStep(Communicator world, Optimizer recipe, Parameter<float>[] parameters, float[][] gradients)
    {
        this.world = world;
        this.gradients = gradients;
        batch = new(world);
        stepper = recipe.Bind(parameters);
        var share = gradients[0].Length / world.Size;
        sums = [.. gradients.Select(g => GC.AllocateArray<float>(g.Length, pinned: true))];
        counts = [.. Enumerable.Repeat((long)share, world.Size)];
        bytes = [.. counts.Select(c => c * sizeof(float))];
        offsets = [.. bytes.Select((b, rank) => rank * b)];
    }

    public long StateBytes => stepper.StateArrays.Sum(a => a.Length) * sizeof(float);

    public void Step()
    {
        fixed (
            long* count = counts,
                length = bytes,
                offset = offsets
        )
        {
            for (var p = 0; p < sums.Length; p++)
            {
                fixed (float* gradient = gradients[p])
                {
                    // Pinned for good.
                    var sum = (float*)Marshal.UnsafeAddrOfPinnedArrayElement(sums[p], 0);
                    var own = sum + (offset[world.Rank] / sizeof(float));
                    batch.ReduceScatter(nr_mpi_type.NR_MPI_FLOAT32, gradient, count, own);
                    batch.Wait();
                    batch.AllGatherRanges(sum, length, offset);
                    batch.Wait();
                }
            }
        }

        stepper.Step(sums);
    }

    public void Dispose() => stepper.Dispose();
}
