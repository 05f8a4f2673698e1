using MathNet.Numerics.LinearAlgebra;
using NativeRanger;
using NativeRanger.Numerics;

Console.WriteLine($"library {NativeBackend.LibraryPath}");

var recipe = new Ranger { LearningRate = 0.05, WeightDecay = 0.01 };
var native = Matrix<double>.Build.Random(7, 5, seed: 1);
var managed = native.Clone();
using (var byNative = recipe.Bind(native))
using (var byManaged = recipe.Bind(managed, backend: Backend.Managed))
{
    for (var step = 0; step < 100; step++)
    {
        byNative.Step(native * 3);
        byManaged.Step(managed * 3);
    }

    Console.WriteLine($"compared: {byNative} and {byManaged}");
}

if (!native.ToColumnMajorArray().AsSpan().SequenceEqual(managed.ToColumnMajorArray()))
{
    Console.WriteLine("different bits");
    return 1;
}

Console.WriteLine("same bits");
Readme.NativeRanger();
Readme.NativeRangerNumerics();
return 0;
