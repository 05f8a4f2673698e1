// A matrix factorisation with ten million parameters: the ratings that users give to items are products of a user's and an
// item's factors. It shows that a step over all of them takes milliseconds, in place, on threads, with gradients that the step
// clears as it reads them; and the same step by MathNet operators, for comparison.

using System.Diagnostics;
using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Samples;

internal static class Factorisation
{
    private const int Rank = 20;

    /// <summary>The mean squared error before and after.</summary>
    public static (double Before, double After) Run(
        TextWriter output,
        int users = 400_000,
        int items = 100_000,
        int ratings = 1_000_000,
        int steps = 30
    )
    {
        var data = Ratings(users, items, ratings);
        var (userFactors, itemFactors) = (Start(users * Rank, seed: 2), Start(items * Rank, seed: 3));
        var (userGradient, itemGradient) = (new float[users * Rank], new float[items * Rank]);

        using var stepper = new Adam { LearningRate = 0.05 }.Bind<float>([
            new Parameter<float>("users", userFactors, users, Rank),
            new Parameter<float>("items", itemFactors, items, Rank),
        ]);
        stepper.ZeroGradients = true;
        output.WriteLine($"{userFactors.Length + itemFactors.Length:#,0} parameters, {ratings:#,0} ratings, {stepper}");

        var (before, after) = (0.0, 0.0);
        var stepping = TimeSpan.Zero;
        for (var step = 0; step <= steps; step++)
        {
            after = AddGradients(data, userFactors, itemFactors, userGradient, itemGradient);
            if (step == 0)
            {
                before = after;
            }

            var start = Stopwatch.GetTimestamp();
            stepper.Step([userGradient, itemGradient]);
            stepping += Stopwatch.GetElapsedTime(start);
            if (step % 10 == 0)
            {
                output.WriteLine($"step {step}: mean squared error {after:0.0000}");
            }
        }

        output.WriteLine($"one step: {stepping.TotalMilliseconds / (steps + 1):0.0} ms");
        output.WriteLine(
            $"one step by MathNet operators: {ByOperators(userFactors.Length + itemFactors.Length):0.0} ms"
        );
        return (before, after);
    }

    /// <summary>Ratings of users and items whose true factors are two each.</summary>
    private static (int User, int Item, float Rating)[] Ratings(int users, int items, int count)
    {
        var random = new Random(1);
        var taste = Enumerable.Range(0, users).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var kind = Enumerable.Range(0, items).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var data = new (int, int, float)[count];
        foreach (ref var entry in data.AsSpan())
        {
            var (user, item) = (random.Next(users), random.Next(items));
            entry = (user, item, 3 + (8 * taste[user] * kind[item]));
        }

        return data;
    }

    private static float[] Start(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => 0.2f * random.NextSingle())];
    }

    /// <summary>Adds the gradients of the mean squared error, which it gives.</summary>
    private static double AddGradients(
        (int User, int Item, float Rating)[] data,
        float[] userFactors,
        float[] itemFactors,
        float[] userGradient,
        float[] itemGradient
    )
    {
        var sum = 0.0;
        foreach (var (user, item, rating) in data)
        {
            var u = userFactors.AsSpan(user * Rank, Rank);
            var v = itemFactors.AsSpan(item * Rank, Rank);
            var error = -rating;
            for (var k = 0; k < Rank; k++)
            {
                error += u[k] * v[k];
            }

            sum += error * error;
            var factor = 2 * error / data.Length;
            var du = userGradient.AsSpan(user * Rank, Rank);
            var dv = itemGradient.AsSpan(item * Rank, Rank);
            for (var k = 0; k < Rank; k++)
            {
                du[k] += factor * v[k];
                dv[k] += factor * u[k];
            }
        }

        return sum / data.Length;
    }

    /// <summary>The milliseconds of a step of Adam as one would write it with MathNet's vectors.</summary>
    private static double ByOperators(int length)
    {
        var (theta, g) = (Vector<float>.Build.Dense(length, 0.1f), Vector<float>.Build.Dense(length, 1e-3f));
        var (m, v) = (Vector<float>.Build.Dense(length), Vector<float>.Build.Dense(length));
        var start = Stopwatch.GetTimestamp();
        m = (0.9f * m) + (0.1f * g);
        v = (0.999f * v) + (0.001f * g.PointwiseMultiply(g));
        theta -= 0.05f * (m / 0.1f).PointwiseDivide((v / 0.001f).PointwiseSqrt() + 1e-8f);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        GC.KeepAlive(theta);
        return elapsed;
    }
}
