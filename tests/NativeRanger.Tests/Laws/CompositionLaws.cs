using FsCheck;
using FsCheck.Fluent;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Laws;

/// <summary>What holds between recipes, bit for bit, on the native backend.</summary>
public sealed class CompositionLaws
{
    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Lookahead_with_blend_1_is_its_inner_optimizer(string optimizer)
    {
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Cases(),
                c =>
                {
                    var scenario = c.Scenario();
                    var inner = scenario.Run(Registry.Recipe(optimizer), Backend.Native);
                    var wrapped = scenario.Run(
                        new Lookahead(Registry.Recipe(optimizer)) { Period = c.Period, Blend = 1 },
                        Backend.Native
                    );
                    return SameParameters(inner, wrapped);
                }
            )
        );
    }

    [Fact]
    public void Fused_ranger_is_radam_with_a_sync_by_hand()
    {
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Cases(),
                c =>
                {
                    var ranger = new Ranger
                    {
                        LearningRate = 0.01,
                        Period = c.Period,
                        WeightDecay = 0.01,
                    };
                    var radam = (RAdam)ranger.Composition.Inner;
                    var scenario = c.Scenario();
                    var fused = scenario.Run(ranger, Backend.Native);
                    float[][]? slow = null;
                    var composed = scenario.Run(
                        radam,
                        Backend.Native,
                        stepper => slow = [.. stepper.Parameters.Select(p => p.Slice(0, (int)p.Length).ToArray())],
                        (stepper, _) =>
                        {
                            for (var i = 0; i < slow!.Length; i++)
                            {
                                var p = stepper.Parameters[i].Slice(0, slow[i].Length);
                                if (
                                    stepper.ParameterSteps(i) % c.Period == 0
                                    && stepper.ParameterSteps(i) > 0
                                    && c.Stepped(stepper, i)
                                )
                                {
                                    for (var k = 0; k < p.Length; k++)
                                    {
                                        slow[i][k] += 0.5f * (p[k] - slow[i][k]);
                                        p[k] = slow[i][k];
                                    }
                                }
                            }
                        }
                    );
                    return SameParameters(fused, composed);
                }
            )
        );
    }

    [Fact]
    public void Ranger_is_its_composition()
    {
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Cases(),
                c =>
                {
                    var ranger = new Ranger { LearningRate = 0.01, Period = c.Period };
                    var fused = c.Scenario().Run(ranger, Backend.Native);
                    var composed = c.Scenario().Run(ranger.Composition, Backend.Native);
                    return fused.Difference(composed) is null;
                }
            )
        );
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Neighbours_change_nothing(string optimizer)
    {
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Cases(),
                c =>
                {
                    var forward = c.Scenario(7).Run(Registry.Recipe(optimizer, "none", "lookahead"), Backend.Native);
                    var alone = c.Scenario(7, onlyFirst: true)
                        .Run(Registry.Recipe(optimizer, "none", "lookahead"), Backend.Native);
                    return Bits.Difference<float>("p0", alone.Arrays[0].Values, forward.Arrays[0].Values) is null;
                }
            )
        );
    }

    private static bool SameParameters(Outcome<float> a, Outcome<float> b) =>
        a
            .Arrays.Where(x => !x.Name.Contains('/'))
            .Zip(b.Arrays.Where(x => !x.Name.Contains('/')))
            .All(p => Bits.Difference<float>(p.First.Name, p.First.Values, p.Second.Values) is null);

    private static Arbitrary<Case> Cases() =>
        (
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from steps in Gen.Choose(1, 14)
            from period in Gen.Choose(1, 5)
            from rows in Gen.Choose(1, 4)
            from columns in Gen.Choose(1, 40)
            select new Case(seed, steps, period, rows, columns)
        ).ToArbitrary();

    /// <summary>A random run; FsCheck prints it where a law fails.</summary>
    public sealed record Case(int Seed, int Steps, int Period, int Rows, int Columns)
    {
        private readonly Dictionary<int, long> seen = [];

        internal Scenario<float> Scenario(int? seed = null, bool onlyFirst = false) =>
            onlyFirst
                ? new(seed ?? Seed, Steps, GradientKind.Ordinary, skips: false, [Rows, Columns])
                : new(
                    seed ?? Seed,
                    Steps,
                    GradientKind.Ordinary,
                    skips: !onlyFirst && seed is null,
                    [Rows, Columns],
                    [Columns]
                );

        /// <summary>Whether the parameter's step advanced since the last call: a skipped parameter is not synchronised.</summary>
        internal bool Stepped<T>(Stepper<T> stepper, int parameter)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var steps = stepper.ParameterSteps(parameter);
            var advanced = steps != seen.GetValueOrDefault(parameter);
            seen[parameter] = steps;
            return advanced;
        }
    }
}
