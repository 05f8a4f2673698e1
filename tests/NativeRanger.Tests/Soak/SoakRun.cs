using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Soak;

/// <summary>A run that saves every few steps and goes on from its checkpoint, wherever that is: everything follows from the seed.</summary>
/// <param name="Seed">What the recipe, the backend and the gradients follow from.</param>
/// <param name="Calls">How many steps are asked for, skipped ones included.</param>
internal sealed record SoakRun(int Seed, int Calls)
{
    /// <summary>Not a divisor of a Lookahead's period, so that checkpoints fall on every phase of it.</summary>
    private const int SaveEvery = 4;
    private const int Elements = 3 * 4096;

    private static readonly Optimizer[] Recipes =
    [
        new Ranger { NonFinite = NonFinitePolicy.SkipStep },
        new Lookahead(new Sgd { Momentum = 0.9, NonFinite = NonFinitePolicy.SkipStep })
        {
            InnerState = InnerState.Pullback,
            Period = 7,
        },
        new Adam
        {
            AmsGrad = true,
            ClipNorm = 1,
            NonFinite = NonFinitePolicy.SkipStep,
        },
        new Lookahead(new RAdam { NonFinite = NonFinitePolicy.SkipStep }) { InnerState = InnerState.Reset },
        new AdaGrad { NonFinite = NonFinitePolicy.SkipStep },
    ];

    private Optimizer Recipe => Recipes[Seed % Recipes.Length];

    /// <summary>What a run without interruption has at its end, as a checkpoint.</summary>
    public byte[] Uninterrupted()
    {
        using var stepper = Bind(null);
        GoOn(stepper, save: null);
        using var end = new MemoryStream();
        stepper.Save(end);
        return end.ToArray();
    }

    /// <summary>Starts, or goes on from the checkpoint, to the end.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="ready">Called once there is a stepper.</param>
    public void Continue(string path, Action ready)
    {
        using var stepper = Bind(File.Exists(path) ? path : null);
        ready();
        GoOn(stepper, () => stepper.Save(path));
        stepper.Save(path);
    }

    private Stepper<float> Bind(string? path)
    {
        var values = new float[Elements];
        new Random(Seed).NextSingles(values);
        ParameterGroup<float>[] groups = [new(Parameter.Of("w", values, 3, Elements / 3))];

        // One backend saves what another resumes: each start takes the next.
        var backends = Registry.Backends().ToArray();
        var backend = backends[
            (path is null ? Seed : (int)(new FileInfo(path).LastWriteTimeUtc.Ticks % 997)) % backends.Length
        ];
        var stepper = path is null ? Recipe.Bind(groups, backend) : Recipe.Resume(groups, path, backend);
        if (path is null)
        {
            stepper.AddAverage(new ExponentialAverage());
        }

        stepper.Schedule = Schedules.FlatAnneal(Calls);
        return stepper;
    }

    private void GoOn(Stepper<float> stepper, Action? save)
    {
        var gradient = new float[Elements];
        for (var call = stepper.StepCount + stepper.SkippedSteps; call < Calls; call++)
        {
            var random = new Random(HashCode(Seed, call));
            random.NextSingles(gradient);
            if (random.Next(10) == 0)
            {
                gradient[random.Next(Elements)] = float.NaN;
            }

            stepper.Step(gradient);
            if ((call + 1) % SaveEvery == 0)
            {
                save?.Invoke();
            }
        }
    }

    // The framework's own hash is another one in every process.
    private static int HashCode(int seed, long call) => unchecked((int)((seed * 1_000_003L) + (call * 7_919L)));
}

/// <summary>Random numbers for arrays.</summary>
internal static class RandomNumbers
{
    /// <summary>Fills an array with numbers from -0.5 to 0.5.</summary>
    public static void NextSingles(this Random random, float[] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle() - 0.5f;
        }
    }
}
