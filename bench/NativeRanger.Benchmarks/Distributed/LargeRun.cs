using System.Diagnostics;
using NativeRanger.Mpi;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>A synthetic training run of many parameters, which is saved and taken up by another number of ranks.</summary>
internal static class LargeRun
{
    private const int Layers = 10;

    /// <summary>Takes so many steps from a checkpoint, where there is one, and saves; rank 0 tells what it took.</summary>
    public static void Run(string checkpoint, long parameters, int steps)
    {
        using var world = Communicator.World();
        var length = (int)(parameters / Layers);
        var weights = Enumerable.Range(0, Layers).Select(i => Parameter.Of($"layer {i}", new float[length])).ToArray();
        var gradients = Enumerable.Range(0, Layers).Select(_ => new float[length]).ToArray();
        var recipe = new Ranger { LearningRate = 0.01 };
        var options = new ShardingOptions { MicroBatches = 1 };
        var start = Stopwatch.GetTimestamp();
        using var stepper = File.Exists(checkpoint)
            ? recipe.ResumeSharded(weights, world, checkpoint, options)
            : recipe.BindSharded(weights, world, options);
        var resumed = Stopwatch.GetElapsedTime(start);
        var from = stepper.StepCount;
        start = Stopwatch.GetTimestamp();
        for (var t = 0; t < steps; t++)
        {
            // The gradient of 1/2 |w - target|^2, which rank 0 computes: one micro-batch, whatever the number of ranks.
            if (world.Rank == 0)
            {
                for (var layer = 0; layer < Layers; layer++)
                {
                    var w = weights[layer].Slice(0, length);
                    for (var i = 0; i < length; i++)
                    {
                        gradients[layer][i] = w[i] - (i % 7);
                    }
                }
            }

            stepper.Step(world.Rank == 0 ? gradients : new float[]?[Layers]);
        }

        var ran = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        stepper.Save(checkpoint);
        var saved = Stopwatch.GetElapsedTime(start);
        var sharding = stepper.Sharding();
        var (inStepper, inKernels) = (sharding.StepTime / ran, sharding.KernelTime / ran);
        var loss = weights.Sum(w => Loss(w.Slice(0, length)));
        var replicated = Replicate(world, recipe, weights, gradients, steps);
        if (world.Rank == 0)
        {
            Console.WriteLine(
                $"{world.Size} ranks, {parameters:#,0} parameters, steps {from} to {stepper.StepCount}: loss {loss:R}, resumed in "
                    + $"{resumed.TotalSeconds:0.0} s, {ran.TotalSeconds / steps:0.00} s a step, of which {inStepper:0 %} in the "
                    + $"stepper and {inKernels:0 %} in its kernels, saved in {saved.TotalSeconds:0.0} s"
            );
            Console.WriteLine(
                $"rank 0 holds {MiB(parameters * sizeof(float))} of parameters, as much of gradients, {MiB(sharding.StateBytes)} of state, "
                    + $"{MiB(sharding.GradientBytes)} of gradient sums and {MiB(sharding.BucketBytes)} of buckets"
            );
            Console.WriteLine(
                $"in the stepper {sharding.StepTime.TotalSeconds / steps:0.00} s a step; all-reduce and a replicated step {replicated.Seconds:0.00} s, "
                    + $"{MiB(replicated.StateBytes)} of state and {MiB(parameters * sizeof(float))} of sums"
            );
        }
    }

    /// <summary>What the same gradients take where the MPI library sums them on every rank, which then steps everything.</summary>
    private static (double Seconds, long StateBytes) Replicate(
        Communicator world,
        Optimizer recipe,
        Parameter<float>[] weights,
        float[][] gradients,
        int steps
    )
    {
        using var replicated = new ReplicatedStep(world, recipe, weights, gradients);
        var watch = new Stopwatch();
        for (var t = 0; t < steps; t++)
        {
            world.Barrier();
            watch.Start();
            replicated.Step();
            watch.Stop();
        }

        return (watch.Elapsed.TotalSeconds / steps, replicated.StateBytes);
    }

    private static double Loss(ReadOnlySpan<float> weights)
    {
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            var difference = weights[i] - (i % 7);
            sum += difference * difference;
        }

        return sum / 2;
    }

    private static string MiB(long bytes) => $"{bytes / (double)(1 << 20):#,0} MiB";
}
